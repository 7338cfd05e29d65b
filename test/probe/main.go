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
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	args := append(os.Args[1:], "", "", "")
	switch args[0] {
	case "serve": // serve PORT: answers its name, until SIGTERM; /sick makes /health answer 500 from then on
		os.Exit(serve(args[1]))
	case "exit": // exit CODE, at once
		os.Exit(number(args[1]))
	case "later": // later SECONDS CODE
		time.Sleep(time.Duration(number(args[1])) * time.Second)
		os.Exit(number(args[2]))
	case "stubborn": // ignores SIGTERM
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ignoring SIGTERM")
		for {
			time.Sleep(time.Hour)
		}
	case "polite": // polite CODE: ends with CODE on SIGTERM
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		fmt.Println("waiting for SIGTERM")
		<-ctx.Done()
		os.Exit(number(args[1]))
	case "say": // say LINES: prints numbered lines, then waits for SIGTERM
		for i := range number(args[1]) {
			fmt.Printf("line %d\n", i+1)
		}
		wait()
	case "tick": // tick MILLISECONDS: prints a numbered line each time, until SIGTERM
		tick(time.Duration(number(args[1])) * time.Millisecond)
	case "get": // get URL: prints the answer; exit 0 only for a 200; ${NAME} is taken from the environment
		os.Exit(get(os.ExpandEnv(args[1])))
	case "env": // env NAME
		fmt.Println(os.Getenv(args[1]))
		wait()
	case "write": // write FILE TEXT
		os.Exit(write(args[1], args[2]))
	case "expect": // expect FILE TEXT: exit 0 only if the file holds the text
		os.Exit(expect(args[1], args[2]))
	case "eat": // eat MIB, then wait
		eat(number(args[1]))
	default:
		wait()
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func wait() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	<-ctx.Done()
}

func tick(every time.Duration) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	t := time.NewTicker(every)
	defer t.Stop()
	for i := 1; ; i++ {
		fmt.Printf("tick %d\n", i)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func serve(port string) int {
	name, _ := os.Hostname()
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("serving on", port)
	var sick atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s %s\n", name, os.Getenv("VERSION"))
	})
	mux.HandleFunc("/sick", func(http.ResponseWriter, *http.Request) { sick.Store(true) })
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			http.Error(w, "sick", http.StatusInternalServerError)
		}
	})
	go func() { _ = http.Serve(l, mux) }()
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

func write(file, text string) int {
	err := os.WriteFile(file, []byte(text), 0o644)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func expect(file, text string) int {
	b, err := os.ReadFile(file)
	fmt.Printf("%q, %v\n", b, err)
	if err != nil || strings.TrimSpace(string(b)) != text {
		return 1
	}
	return 0
}

func eat(mib int) {
	block := make([]byte, mib<<20)
	for i := range block {
		block[i] = byte(i)
	}
	wait()
	fmt.Println(len(block))
}
