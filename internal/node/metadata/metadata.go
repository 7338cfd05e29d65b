package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"longshore/internal/acs"
)

// Stats gives a container's statistics.
type Stats interface {
	// ContainerStats returns the engine's own JSON object of a running container and its network rates.
	ContainerStats(ctx context.Context, dockerID string) (json.RawMessage, *NetworkRates, error)
}

// NetworkRates is what v4 adds to the engine's statistics.
type NetworkRates struct {
	RxBytesPerSec float64 `json:"rx_bytes_per_sec"`
	TxBytesPerSec float64 `json:"tx_bytes_per_sec"`
}

// Tags gives the tags of a task or container instance.
type Tags interface {
	Tags(ctx context.Context, resourceARN string) (map[string]string, error)
}

// Protection reads or, with an update, changes a task's scale-in protection with the task role's credentials.
// A refusal by the control plane is a *ProtectionError.
type Protection interface {
	TaskProtection(
		ctx context.Context, taskARN string, role acs.RoleCredentials, update *ProtectionUpdate,
	) (ProtectionReply, error)
}

// Config says what a Server works with.
type Config struct {
	// Cluster is the short name that tasks outside Fargate see.
	Cluster string
	// InstanceARN is the container instance, for its tags.
	InstanceARN string
	// AvailabilityZone and AvailabilityZoneID are shown when the task does not bring its own; may be empty.
	AvailabilityZone   string
	AvailabilityZoneID string
	// VPCID is shown to awsvpc tasks; may be empty.
	VPCID string
	// Stats answers the stats paths; nil makes them fail with the modelled error.
	Stats Stats
	// Tags answers the …WithTags paths; nil puts an entry into the answer's Errors.
	Tags Tags
	// Protection answers task protection; nil refuses it with a modelled error.
	Protection Protection
	// Hosts are host names accepted beside 169.254.170.2 and the listener's own address.
	Hosts []string
	// Rate and Burst bound each task's requests; 0 means 40 a second and 60, as ECS has it.
	Rate  float64
	Burst int
	// Now is the clock.
	Now func() time.Time
	// Log receives failures that are not the caller's.
	Log *slog.Logger
}

// Server answers the containers of one node. The zero value is not usable.
type Server struct {
	cfg Config

	mu        sync.RWMutex
	tasks     map[string]*task     // by ARN
	endpoints map[digest]endpoint  // by endpoint id
	roles     map[digest]*task     // by credentials id
	addresses map[netip.Addr]*task // by the task's own addresses
	hosts     []string
	strangers bucket // requests that belong to no task share one allowance
}

// New makes a Server that knows no task.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil || cfg.Log == nil {
		return nil, errors.New("configure metadata server: clock and logger are required")
	}
	if cfg.Rate <= 0 {
		cfg.Rate = 40
	}
	if cfg.Burst <= 0 {
		cfg.Burst = 60
	}
	return &Server{
		cfg:       cfg,
		tasks:     map[string]*task{},
		endpoints: map[digest]endpoint{},
		roles:     map[digest]*task{},
		addresses: map[netip.Addr]*task{},
		hosts:     append([]string{"169.254.170.2", "169.254.170.2:80"}, cfg.Hosts...),
	}, nil
}

// Serve answers on the listener until ctx ends; requests in progress get a second to finish.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	s.mu.Lock()
	s.hosts = append(s.hosts, ln.Addr().String())
	s.mu.Unlock()
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve metadata: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err := srv.Shutdown(grace)
	<-ended
	if err != nil {
		return errors.Join(ctx.Err(), srv.Close())
	}
	return ctx.Err()
}

// Handler checks what holds for every request and hands it on by its path.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.RLock()
		known := slices.Contains(s.hosts, r.Host)
		s.mu.RUnlock()
		if !known {
			http.Error(w, "host name not served here", http.StatusForbidden)
			return
		}
		s.route(w, r)
	})
}
