package daemon

// nodeState is the part of the daemon that runs containers.
type nodeState struct{}

// off names what does not work on this machine, with the reason.
func (d *Daemon) off() []string { return nil }
