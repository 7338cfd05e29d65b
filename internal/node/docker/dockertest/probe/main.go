// Command probe is the container of the Docker tests: it does one small thing per sub-command and nothing else.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		forever()
	}
	arg := ""
	if len(os.Args) > 2 {
		arg = os.Args[2]
	}
	switch os.Args[1] {
	case "exit":
		exitWith(arg)
	case "sleep-exit":
		d, _ := time.ParseDuration(arg)
		time.Sleep(d)
		exitWith(os.Args[3])
	case "ignore-term":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("waiting")
		forever()
	case "term":
		onTerm(arg)
	case "serve":
		serve(arg)
	case "check":
		_, err := os.Stat(arg)
		if err != nil {
			os.Exit(1)
		}
	case "env":
		for _, kv := range os.Environ() {
			fmt.Println(kv)
		}
	case "eat":
		eat()
	case "write":
		err := os.WriteFile(arg, []byte("x"), 0o644)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	default:
		fmt.Println("unknown", os.Args[1])
		os.Exit(64)
	}
}

// forever sleeps; an empty select would be reported as a deadlock.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

func exitWith(code string) {
	n, _ := strconv.Atoi(code)
	os.Exit(n)
}

// onTerm exits with the code once SIGTERM arrives.
func onTerm(code string) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	fmt.Println("waiting")
	<-c
	fmt.Println("got SIGTERM")
	exitWith(code)
}

func serve(port string) {
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello from", r.URL.Path)
	}))
}

// eat allocates until the kernel says no.
func eat() {
	var hold [][]byte
	for {
		b := make([]byte, 1<<20)
		for i := range b {
			b[i] = 1
		}
		hold = append(hold, b)
		if len(hold) > 1<<20 {
			return
		}
	}
}
