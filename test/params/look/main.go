// Command look is what the parameter tests run in containers: it tells as JSON what a process sees of itself.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sight is the report, one line on standard output.
type sight struct {
	Args, Env       []string
	UID, GID        int
	Dir, Host       string
	Files           map[string]string // by path; an error's text when it cannot be read
	Answers         map[string]string // by URL
	Terminal, Stdin bool
}

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"see"}
	}
	switch args[0] {
	case "see": // see [PATH | URL | "PUT URL BODY" | "write PATH"]…: report, then wait for SIGTERM
		see(args)
		wait()
	case "glance": // the same, then exit 0
		see(args)
	case "exit": // exit CODE [AFTER]
		if len(args) > 2 {
			d, _ := time.ParseDuration(args[2])
			time.Sleep(d)
		}
		code, _ := strconv.Atoi(args[1])
		os.Exit(code)
	case "deaf": // ignores SIGTERM
		signal.Ignore(syscall.SIGTERM)
		for {
			time.Sleep(time.Hour) // an empty select is a deadlock to the runtime
		}
	case "eat": // eat MIB
		n, _ := strconv.Atoi(args[1])
		block := make([]byte, n<<20)
		for i := range block {
			block[i] = byte(i)
		}
		wait()
		fmt.Println(len(block))
	case "say": // say LINE…, then wait
		for _, line := range args[1:] {
			fmt.Println(line)
		}
		wait()
	case "check": // check PATH: exit 0 if it exists
		_, err := os.Stat(args[1])
		if err != nil {
			os.Exit(1)
		}
	case "serve": // serve PORT: answers every TCP connection with its host name
		serve(args[1])
	}
}

func wait() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	<-c
}

func see(args []string) {
	s := sight{Args: os.Args, Env: os.Environ(), UID: os.Getuid(), GID: os.Getgid(), Files: map[string]string{},
		Answers: map[string]string{}}
	s.Dir, _ = os.Getwd()
	s.Host, _ = os.Hostname()
	in, err := os.Stdin.Stat()
	s.Stdin = err == nil && in.Mode()&os.ModeNamedPipe != 0
	out, err := os.Stdout.Stat()
	s.Terminal = err == nil && out.Mode()&os.ModeCharDevice != 0
	for _, a := range args[1:] {
		a = os.ExpandEnv(a)
		verb, rest, _ := strings.Cut(a, " ")
		switch {
		case strings.HasPrefix(a, "http://"):
			s.Answers[a] = ask(http.MethodGet, a, "")
		case verb == http.MethodPut:
			url, body, _ := strings.Cut(rest, " ")
			s.Answers[http.MethodPut] = ask(http.MethodPut, url, body)
		case verb == "write":
			err := os.WriteFile(rest, []byte("written"), 0o644)
			s.Files[a] = fmt.Sprint(err)
		case verb == "pause": // let metadata settle
			d, _ := time.ParseDuration(rest)
			time.Sleep(d)
		case verb == "dial":
			c, err := net.DialTimeout("tcp", rest, 3*time.Second)
			if err == nil {
				_ = c.Close()
			}
			s.Answers[a] = fmt.Sprint(err)
		default:
			s.Files[a] = read(a)
		}
	}
	line, _ := json.Marshal(s)
	w := bufio.NewWriter(os.Stdout)
	_, _ = w.Write(append(line, '\n'))
	_ = w.Flush()
}

func read(path string) string {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		entries, _ := os.ReadDir(path)
		names := []string{}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	if err == nil && info.Mode()&os.ModeDevice != 0 {
		return info.Mode().String()
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "error: " + err.Error()
	}
	return strings.TrimSpace(string(b))
}

// ask repeats for a while: metadata of a container that has just begun may still be on its way.
func ask(method, url, body string) string {
	client := http.Client{Timeout: 5 * time.Second}
	for attempt := 0; ; attempt++ {
		req, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			return err.Error()
		}
		res, err := client.Do(req)
		if err == nil {
			b, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK || attempt > 5 {
				return string(b)
			}
		}
		if err != nil && attempt > 5 {
			return err.Error()
		}
		time.Sleep(300 * time.Millisecond)
	}
}

func serve(port string) {
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	name, _ := os.Hostname()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(c, name)
			_ = c.Close()
		}
	}()
	wait()
}
