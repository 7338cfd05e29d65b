// Package servers holds the promises of several servers on one etcd, with real processes: any of them answers reads
// and writes, a killed leader is followed within two seconds with nothing acknowledged lost, and an etcd that is away
// costs writes only. FAILOVERS=N kills more leaders than a build does.
package servers
