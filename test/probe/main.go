// Command probe is what the end-to-end tests run in containers: it does one small thing that can be seen from
// outside.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	args := append(os.Args[1:], "", "")
	switch args[0] {
	case "serve": // serve PORT: answers its name, until SIGTERM
		os.Exit(serve(args[1]))
	case "exit": // exit CODE, at once
		code, _ := strconv.Atoi(args[1])
		os.Exit(code)
	case "later": // later SECONDS CODE
		seconds, _ := strconv.Atoi(args[1])
		code, _ := strconv.Atoi(args[2])
		time.Sleep(time.Duration(seconds) * time.Second)
		os.Exit(code)
	case "stubborn": // ignores SIGTERM
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ignoring SIGTERM")
		select {}
	case "say": // say LINES: prints numbered lines, then waits for SIGTERM
		n, _ := strconv.Atoi(args[1])
		for i := range n {
			fmt.Printf("line %d\n", i+1)
		}
		wait()
	case "get": // get URL: prints the answer; exit 0 only for a 200
		os.Exit(get(args[1]))
	case "env": // env NAME
		fmt.Println(os.Getenv(args[1]))
		wait()
	case "eat": // eat MIB, then wait
		mib, _ := strconv.Atoi(args[1])
		block := make([]byte, mib<<20)
		for i := range block {
			block[i] = byte(i)
		}
		wait()
		fmt.Println(len(block))
	default:
		wait()
	}
}

func wait() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	<-ctx.Done()
}

func serve(port string) int {
	name, _ := os.Hostname()
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("serving on", port)
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "%s %s\n", name, os.Getenv("VERSION"))
		}))
	}()
	wait()
	return 0
}

func get(url string) int {
	c := http.Client{Timeout: 5 * time.Second}
	res, err := c.Get(url)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	fmt.Printf("%s\n", b)
	if res.StatusCode != http.StatusOK {
		return 1
	}
	return 0
}
