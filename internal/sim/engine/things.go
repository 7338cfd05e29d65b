package engine

import (
	"errors"
	"slices"
	"strings"
	"time"
)

func (x *exchange) ping() answer {
	x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if x.r.Method == "HEAD" {
		return answer{status: 200}
	}
	return answer{status: 200, body: []byte("OK")}
}

const serverVersion = "20.10.24"

func (x *exchange) version() answer {
	return answer{status: 200, body: encode(map[string]any{
		"Version": serverVersion, "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64",
	})}
}

func (x *exchange) info() answer {
	c := x.e.cfg
	return answer{status: 200, body: encode(map[string]any{
		"ID": c.Name, "Name": c.Name, "ServerVersion": serverVersion, "NCPU": c.CPUs, "MemTotal": int64(c.MemoryMiB) << 20,
		"Driver": "overlay2", "CgroupDriver": "cgroupfs", "CgroupVersion": "1", "OSType": "linux",
		"Architecture": "x86_64", "LiveRestoreEnabled": true, "SecurityOptions": []string{"name=seccomp,profile=default"},
		"Plugins": map[string][]string{"Log": {"json-file", "local", "none"}, "Volume": {"local"}},
	})}
}

func noImage(ref string) answer { return refuse(404, "No such image: "+ref) }

func (x *exchange) inspectImage() answer {
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	i := x.e.findImage(x.target)
	if i == nil {
		return noImage(normal(x.target))
	}
	return answer{status: 200, body: i.inspect()}
}

// pull streams its progress, so that nobody takes a slow one for a dead one.
func (x *exchange) pull() answer {
	ref := x.q.Get("fromImage")
	if tag := x.q.Get("tag"); strings.HasPrefix(tag, "sha256:") {
		ref += "@" + tag
	} else if tag != "" {
		ref += ":" + tag
	}
	ref = normal(ref)
	takes, err := x.e.cfg.PullTime(ref)
	var bad PullFailure
	if err != nil && !errors.As(err, &bad) {
		bad = PullFailure{Status: 500, Message: err.Error()}
	}
	if bad.Status != 0 {
		x.sleep(takes)
		return refuse(bad.Status, bad.Message)
	}
	x.w.WriteHeader(200)
	x.say([]byte(`{"status":"Pulling from ` + ref + `","id":"0"}` + "\r\n"))
	for left := takes; left > 0; left -= progressEvery {
		x.sleep(min(left, progressEvery))
		x.say([]byte(`{"status":"Downloading","progressDetail":{},"id":"1"}` + "\r\n"))
	}
	if err != nil {
		if bad.Message == "" {
			x.abort()
		}
		x.say(append(encode(map[string]any{
			"errorDetail": map[string]string{"message": bad.Message}, "error": bad.Message,
		}), "\r\n"...))
		return answer{streamed: true}
	}
	x.stopIfDown()
	x.e.mu.Lock()
	i := x.e.addImage(ref, true)
	x.e.mu.Unlock()
	v := x.after()
	x.pass(v)
	x.say([]byte(`{"status":"Digest: ` + i.digest + `"}` + "\r\n"))
	return answer{streamed: true}
}

// progressEvery is between two lines of a pull.
const progressEvery = 10 * time.Second

func (x *exchange) loadImage() answer {
	body, no := x.body()
	if no != nil {
		return no.answer()
	}
	tags, err := tagsIn(body)
	if err != nil {
		return refuse(500, "Error processing tar file: "+err.Error())
	}
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	for _, tag := range tags {
		x.e.addImage(tag, false)
	}
	return answer{status: 200, body: []byte(`{"stream":"Loaded"}` + "\n")}
}

func (x *exchange) removeImage() answer {
	e := x.e
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.findImage(x.target)
	if i == nil {
		return noImage(normal(x.target))
	}
	for _, r := range e.live() {
		if normal(r.Image) == i.ref {
			return refuse(409, "conflict: unable to remove repository reference \""+x.target+
				"\" (must force) - container "+r.ID[:min(12, len(r.ID))]+" is using its referenced image")
		}
	}
	delete(e.images, i.ref)
	return answer{status: 200, body: encode([]map[string]string{{"Untagged": i.ref}})}
}

func (x *exchange) createVolume() answer {
	body, no := x.body()
	if no != nil {
		return no.answer()
	}
	v, no := readVolume(body)
	if no != nil {
		return no.answer()
	}
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	have := x.e.volumes[v.Name]
	if have == nil {
		if v.Name == "" {
			v.Name = x.e.cfg.NewID()
		}
		have = x.e.addVolume(v)
	}
	return answer{status: 201, body: encode(have)}
}

func (x *exchange) inspectVolume() answer {
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	v := x.e.volumes[x.target]
	if v == nil {
		return refuse(404, "get "+x.target+": no such volume")
	}
	return answer{status: 200, body: encode(v)}
}

func (x *exchange) listVolumes() answer {
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	wanted := x.q.labels()
	out := []*volume{}
	for _, v := range x.e.sortedVolumes() {
		if carries(v.Labels, wanted) {
			out = append(out, v)
		}
	}
	return answer{status: 200, body: encode(map[string]any{"Volumes": out, "Warnings": nil})}
}

func (x *exchange) removeVolume() answer {
	e := x.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.volumes[x.target] == nil {
		if x.q.flag("force") {
			return answer{status: 204}
		}
		return refuse(404, "get "+x.target+": no such volume")
	}
	for _, r := range e.live() {
		uses := slices.ContainsFunc(r.spec.mounts, func(m mount) bool { return m.Name == x.target })
		if uses {
			return refuse(409, "remove "+x.target+": volume is in use - ["+r.ID+"]")
		}
	}
	delete(e.volumes, x.target)
	return answer{status: 204}
}
