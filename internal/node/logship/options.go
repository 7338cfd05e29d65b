package logship

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// options is what a task definition's log options ask for.
type options struct {
	region, group, stream string
	createGroup           bool
	blocking              bool
	bufferBytes           int
	begins                *regexp.Regexp // a line that begins a multi-line event; nil: every line does
}

// place names the stream.
func (o options) place() string { return o.region + "\x00" + o.group + "\x00" + o.stream }

// defaultBuffer is AWS's max-buffer-size.
const defaultBuffer = 10 << 20

func parseOptions(src Source, region string) (options, error) {
	o := src.Options
	out := options{
		region: region, group: o["awslogs-group"], createGroup: o["awslogs-create-group"] == "true",
		blocking: o["mode"] == "blocking", bufferBytes: defaultBuffer, stream: streamName(src),
	}
	if o["awslogs-region"] != "" {
		out.region = o["awslogs-region"]
	}
	if out.group == "" {
		return options{}, fmt.Errorf("must specify a value for log opt 'awslogs-group'")
	}
	if size := o["max-buffer-size"]; size != "" {
		n, err := parseSize(size)
		if err != nil {
			return options{}, err
		}
		out.bufferBytes = n
	}
	pattern, format := o["awslogs-multiline-pattern"], o["awslogs-datetime-format"]
	if pattern != "" && format != "" {
		return options{}, fmt.Errorf(
			"you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time")
	}
	if format != "" {
		pattern = datetimePattern(format)
	}
	if pattern == "" {
		return out, nil
	}
	begins, err := regexp.Compile(pattern)
	if err != nil {
		return options{}, fmt.Errorf("awslogs could not parse multiline pattern key %q: %w", pattern, err)
	}
	out.begins = begins
	return out, nil
}

// streamName is prefix/container/task-id; without a prefix the container's own id, as Docker has it.
func streamName(src Source) string {
	if name := src.Options["awslogs-stream"]; name != "" {
		return name
	}
	prefix := src.Options["awslogs-stream-prefix"]
	if prefix == "" {
		return src.ContainerID
	}
	return prefix + "/" + src.ContainerName + "/" + src.TaskARN[strings.LastIndexByte(src.TaskARN, '/')+1:]
}

// parseSize reads Docker's sizes: a number with an optional unit b, k, m or g, each with an optional "b" behind.
func parseSize(text string) (int, error) {
	number := strings.TrimRight(strings.ToLower(strings.TrimSpace(text)), "bkmgi")
	unit := strings.ToLower(strings.TrimSpace(text))[len(number):]
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	shift := map[string]int{"": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20,
		"g": 30, "gb": 30, "gib": 30}
	by, known := shift[unit]
	if err != nil || !known || !(n > 0 && n < 1<<40) {
		return 0, fmt.Errorf("log opt 'max-buffer-size' %q is not a size", text)
	}
	return min(int(n*float64(int(1)<<by)), 1<<30), nil
}

// directives are strftime's, each as what it prints.
var directives = map[byte]string{
	'a': `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)`,
	'A': `(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)`,
	'b': `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)`,
	'B': `(?:January|February|March|April|May|June|July|August|September|October|November|December)`,
	'c': `.+`,
	'd': `(?:0?[1-9]|[1-2][0-9]|3[0-1])`,
	'e': ` ?(?:[1-9]|[1-2][0-9]|3[0-1])`,
	'f': `\d{6}`,
	'F': `\d{4}-\d{2}-\d{2}`,
	'H': `(?:[0-1]?[0-9]|2[0-3])`,
	'I': `(?:0?[1-9]|1[0-2])`,
	'j': `\d{3}`,
	'L': `\d{3}`,
	'm': `(?:0?[1-9]|1[0-2])`,
	'M': `[0-5]?[0-9]`,
	'p': `[AaPp][Mm]`,
	's': `\d+`,
	'S': `(?:[0-5]?[0-9]|60)`,
	'T': `\d{2}:\d{2}:\d{2}`,
	'u': `[1-7]`,
	'w': `[0-6]`,
	'y': `\d{2}`,
	'Y': `\d{4}`,
	'z': `(?:[+-]\d{2}:?\d{2}|Z)`,
	'Z': `[A-Z]{1,5}`,
	'%': `%`,
}

// datetimePattern turns a strftime format into the regular expression of what it prints. What is no directive
// stands for itself; to Docker it is a regular expression already, so an escape such as `\[` is taken as one.
func datetimePattern(format string) string {
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] == '%' && i+1 < len(format) {
			printed, known := directives[format[i+1]]
			if known {
				out.WriteString(printed)
				i++
				continue
			}
		}
		if format[i] == '\\' && i+1 < len(format) {
			out.WriteString(format[i : i+2]) // an escape of the reader's own
			i++
			continue
		}
		out.WriteString(regexp.QuoteMeta(format[i : i+1]))
	}
	return out.String()
}
