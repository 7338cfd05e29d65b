//go:build e2e

package params

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func seeVolumes(t *testing.T, r *rig) {
	dir := t.TempDir()
	err := os.WriteFile(filepath.Join(dir, "file"), []byte("from the host"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	shared := "params-" + strings.ToLower(filepath.Base(r.data)+filepath.Base(filepath.Dir(filepath.Dir(r.data))))
	t.Cleanup(func() { _, _ = tryEngine(t.Context(), "DELETE", "/volumes/"+shared+"?force=1", nil) })
	k := r.run(t, `"volumes":[{"name":"host","host":{"sourcePath":"`+dir+`"}},{"name":"anonymous"},{"name":"empty","host":{}},
		{"name":"task","dockerVolumeConfiguration":{"scope":"task","labels":{"a":"b","longshore.scope":"shared"}}},
		{"name":"`+shared+`","dockerVolumeConfiguration":{"scope":"shared","autoprovision":true,"driver":"local",
			"driverOpts":{"type":"tmpfs","device":"tmpfs","o":"size=3m"}}}],
		"containerDefinitions":[
		{"name":"writer","image":"IMAGE","memory":32,"command":["see","/host/file","write /host/denied",
			"write /anonymous/a","write /empty/a","write /task/a","write /shared/a","/proc/mounts"],
		"mountPoints":[{"sourceVolume":"host","containerPath":"/host","readOnly":true},
			{"sourceVolume":"anonymous","containerPath":"/anonymous"},{"sourceVolume":"empty","containerPath":"/empty"},
			{"sourceVolume":"task","containerPath":"/task"},{"sourceVolume":"`+shared+`","containerPath":"/shared"}]},
		{"name":"reader","image":"IMAGE","memory":32,"command":["see","/task/a","/anonymous/a","write /task/b"],
			"dependsOn":[{"containerName":"writer","condition":"START"}],
			"volumesFrom":[{"sourceContainer":"writer","readOnly":true}]},
		{"name":"mate","image":"IMAGE","memory":32,"command":["see","/again"],
			"dependsOn":[{"containerName":"writer","condition":"START"}],
			"mountPoints":[{"sourceVolume":"task","containerPath":"/again"}]}]`, "")
	k = r.until(t, k, "RUNNING")
	writer, reader, mate := k.see(t, "writer"), k.see(t, "reader"), k.see(t, "mate")
	same(t, "file of the host", writer.Files["/host/file"], "from the host")
	contains(t, "write to a read-only mount", writer.Files["write /host/denied"], "read-only")
	for _, v := range []string{"anonymous", "empty", "task", "shared"} {
		same(t, "write to "+v, writer.Files["write /"+v+"/a"], "<nil>")
	}
	contains(t, "driver options", writer.Files["/proc/mounts"], "/shared tmpfs rw", "size=3072k")
	same(t, "volumesFrom", reader.Files["/task/a"]+reader.Files["/anonymous/a"], "writtenwritten")
	contains(t, "volumesFrom, read only", reader.Files["write /task/b"], "read-only")
	same(t, "the other end of a task volume", mate.Files["/again"], "a")

	r.ecs(t, "StopTask", `{"cluster":"params","task":"`+k.TaskARN+`"}`, nil)
	r.until(t, k, "STOPPED")
	volumes := func() string {
		return string(engine(t, "GET", `/volumes?filters={"label":["longshore.task=`+k.TaskARN+`"]}`, nil, nil))
	}
	poll(t, 25e9, "the task's volumes are gone", func() error { return none(volumes()) })
	engine(t, "GET", "/volumes/"+shared, nil, nil) // a shared one survives
}
