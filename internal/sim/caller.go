package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"longshore/internal/sim/dice"
	"longshore/internal/sim/network"
	"longshore/internal/sim/oracle"
	"longshore/internal/sim/workload"
)

const clientHost = "client"

// caller signs and sends what clients call.
type caller struct {
	w    *World
	host *network.Host
	once *http.Client // calls that may be doubled
	any  *http.Client
}

func newCaller(w *World) *caller {
	c := &caller{w: w, host: w.net.Host(clientHost)}
	c.once = w.httpClient(c.host, w.dice.Of("client once"), w.callOdds)
	c.any = w.httpClient(c.host, w.dice.Of("client any"), func() network.Calls {
		o := w.callOdds()
		o.Double = 0 // without a token, a call that is sent twice has two effects, on AWS too
		return o
	})
	return c
}

func (w *World) callOdds() network.Calls { return w.now().calls }

// httpClient speaks HTTP from a host.
func (w *World) httpClient(h *network.Host, d *dice.Dice, odds func() network.Calls) *http.Client {
	return &http.Client{Transport: &network.Caller{
		Base: &http.Transport{
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				return h.Dial(ctx, address)
			},
			MaxIdleConnsPerHost: 32, IdleConnTimeout: 5 * time.Minute,
		},
		Dice: d, Odds: odds, Note: func(kind, text string) { w.fault(kind, h.Name()+" "+text) },
	}}
}

// callTimeout of clients.
const callTimeout = 10 * time.Second

// call implements workload.Config.Call.
func (c *caller) call(ctx context.Context, op string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	c.w.judge(func(o *oracle.Oracle) { o.Asked(op, body) })
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, serverURL+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+op)
	sum := sha256.Sum256(body)
	i := installation()
	keys := aws.Credentials{AccessKeyID: i.AccessKeyID, SecretAccessKey: i.SecretAccessKey}
	// SDKs correct their clock by the server's.
	err = v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "ecs", i.Region, c.w.serverClock())
	if err != nil {
		return err
	}
	client := c.any
	if bytes.Contains(body, []byte(`"clientToken"`)) {
		client = c.once
	}
	res, err := client.Do(r)
	if err != nil {
		return brief(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return brief(err)
	}
	if res.StatusCode == http.StatusOK {
		if out == nil {
			return nil
		}
		return json.Unmarshal(answer, out)
	}
	var refused struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	err = json.Unmarshal(answer, &refused)
	if err != nil || res.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s: %s", op, res.Status)
	}
	return &workload.Refusal{Code: refused.Type[strings.LastIndexByte(refused.Type, '#')+1:], Message: refused.Message}
}

// brief drops addresses, which differ from run to run in nothing that matters.
func brief(err error) error {
	var op *net.OpError
	switch {
	case errors.As(err, &op):
		return op.Err
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	}
	return err
}
