package daemon

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go"

	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// inProcess answers an SDK's requests without a network, so that the SDK's back-off can run in a bubble.
type inProcess struct {
	http.Handler
	refused int
}

func (p *inProcess) Do(r *http.Request) (*http.Response, error) {
	body := []byte{}
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
	}
	in := r.Clone(r.Context())
	in.Body, in.RequestURI, in.RemoteAddr = io.NopCloser(bytes.NewReader(body)), r.URL.RequestURI(), "127.0.0.1:1"
	in.Host = r.URL.Host
	w := httptest.NewRecorder()
	p.ServeHTTP(w, in)
	if w.Code == http.StatusBadRequest && strings.Contains(w.Body.String(), "ThrottlingException") {
		p.refused++
	}
	return w.Result(), nil
}

// throttled is a control plane with AWS's rates, and a client of it.
func throttled(t *testing.T, on bool, retryer aws.Retryer) (*ecs.Client, *inProcess) {
	t.Helper()
	s, err := store.Open(t.Context(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	i := Installation{ID: "0011223344556677", Account: DefaultAccount, Region: DefaultRegion, AccessKeyID: "AKIAEXAMPLE0000000AA",
		SecretAccessKey: "secret", MasterKey: make([]byte, 32)}
	p, err := NewPlane(PlaneConfig{
		Installation: i, Store: s, Now: time.Now, NewID: newID, NewUUID: newUUID, Chance: func(int) int { return 0 },
		Entropy: rand.Reader, Hosts: []string{"127.0.0.1:4566"}, Throttle: on, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &inProcess{Handler: p.Handler()}
	return ecs.New(ecs.Options{
		BaseEndpoint: aws.String("http://127.0.0.1:4566"), Region: DefaultRegion, HTTPClient: h, Retryer: retryer,
		Credentials: credentials.NewStaticCredentialsProvider(i.AccessKeyID, i.SecretAccessKey, ""),
	}), h
}

func createClusters(ctx context.Context, c *ecs.Client, n int) error {
	for i := range n {
		_, err := c.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(fmt.Sprintf("c%d", i))})
		if err != nil {
			return fmt.Errorf("cluster %d: %w", i, err)
		}
	}
	return nil
}

func TestAnSDKRetriesWhatWasThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h := throttled(t, true, retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 10 }))
		began := time.Now()
		err := createClusters(t.Context(), c, 40)
		if err != nil {
			t.Fatal(err)
		}
		if h.refused == 0 {
			t.Error("nothing was throttled: AWS allows 20 at once and one a second")
		}
		if took := time.Since(began); took < 19*time.Second || took > 10*time.Minute {
			t.Errorf("40 clusters took %s", took)
		}
	})
}

func TestAThrottledCallSaysRateExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := throttled(t, true, aws.NopRetryer{})
		err := createClusters(t.Context(), c, 40)
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != "ThrottlingException" || refused.ErrorMessage() != "Rate exceeded" ||
			!strings.HasPrefix(err.Error(), "cluster 20:") {
			t.Errorf("got %v", err)
		}
		_, err = c.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{})
		if err != nil {
			t.Errorf("reads have a bucket of their own: %v", err)
		}
	})
}

func TestNothingIsThrottledUnlessAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := throttled(t, false, aws.NopRetryer{})
		err := createClusters(t.Context(), c, 200)
		if err != nil {
			t.Error(err)
		}
	})
}
