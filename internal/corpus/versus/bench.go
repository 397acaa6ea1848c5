package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	// more is how many photos the processes make that show what one photo costs without the start of a process.
	more = 10
	// warmRuns is how often that is measured.
	warmRuns = 3
	// memoryLimit is what cmd/groupphoto gives to debug.SetMemoryLimit where photos are made.
	memoryLimit = "GOMEMLIMIT=192MiB"
)

// bench runs the two, turn by turn. Nothing in it may take much memory: Linux counts a parent's pages to the peak of its
// child, because until its exec the child runs in them. That is why even the drawing has a process of its own.
type bench struct {
	self, vips string
	runs       int
	dir        string
	progress   io.Writer
}

// row is what is known of one file.
type row struct {
	File   string  `json:"file"`
	Bytes  int64   `json:"bytes"`
	Ours   figures `json:"ours"`
	Vips   figures `json:"libvips"`
	CPU    float64 `json:"cpuRatio"`    // of the medians, ours to libvips'
	Warm   float64 `json:"warmRatio"`   // the same, without the start of a process
	Memory float64 `json:"memoryRatio"` // the same
}

// figures are the costs of one side for one photo.
type figures struct {
	CPU    spread `json:"cpuMs"`     // processor time of a process that makes one photo, user and system, in ms
	Warm   spread `json:"warmCpuMs"` // what each further photo of the same process takes
	Memory spread `json:"peakMiB"`   // most resident memory of a process that makes one photo
}

type spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) spread {
	slices.Sort(values)
	n := len(values)
	return spread{values[0], (values[(n-1)/2] + values[n/2]) / 2, values[n-1]}
}

func newBench(runs int, progress io.Writer) (*bench, error) {
	var missing []string
	for _, need := range []struct{ command, debian string }{{"vipsthumbnail", "libvips-tools"}, {"jpegtran", "libjpeg-turbo-progs"}, {"cwebp", "webp"}} {
		if _, err := exec.LookPath(need.command); err != nil {
			missing = append(missing, need.command+" (Debian package "+need.debian+")")
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("missing: %s", strings.Join(missing, ", "))
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "versus")
	if err != nil {
		return nil, err
	}
	return &bench{self: self, vips: "vipsthumbnail", runs: runs, dir: dir, progress: progress}, nil
}

// close removes the drawn files. What can't be removed stays in the system's folder for such.
func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// measure draws the files, adds those of the folder, and returns one row for each. A file that one of the two refuses is
// named on the way and has no row.
func (b *bench) measure(ctx context.Context, photos string) ([]row, error) {
	if _, err := b.spend(ctx, b.self, drawTask, b.dir); err != nil {
		return nil, err
	}
	var files []string
	for _, name := range drawn {
		files = append(files, filepath.Join(b.dir, name))
	}
	for _, ending := range []string{"jpg", "jpeg", "png", "webp"} {
		found, err := filepath.Glob(filepath.Join(photos, "*."+ending))
		if err != nil {
			return nil, fmt.Errorf("-photos: %w", err)
		}
		files = append(files, found...)
	}
	var rows []row
	for _, file := range files {
		fmt.Fprintf(b.progress, "%s\n", filepath.Base(file))
		r, err := b.file(ctx, file)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			fmt.Fprintf(b.progress, "no figures for %s: %v\n", filepath.Base(file), err)
		default:
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// file measures both sides alternately, so that what else the machine does hits both.
func (b *bench) file(ctx context.Context, file string) (row, error) {
	info, err := os.Stat(file)
	if err != nil {
		return row{}, err
	}
	copies, err := b.copies(file)
	if err != nil {
		return row{}, err
	}
	var cpu, warm, memory [2][]float64
	for i := range b.runs {
		for side, command := range b.sides() {
			one, err := b.spend(ctx, command[0], append(command[1:], copies[0])...)
			if err != nil {
				return row{}, err
			}
			cpu[side], memory[side] = append(cpu[side], one.cpu), append(memory[side], one.peak)
			if i >= warmRuns {
				continue
			}
			many, err := b.spend(ctx, command[0], append(command[1:], copies...)...)
			if err != nil {
				return row{}, err
			}
			warm[side] = append(warm[side], (many.cpu-one.cpu)/more)
		}
	}
	r := row{File: filepath.Base(file), Bytes: info.Size()}
	for side, f := range []*figures{&r.Ours, &r.Vips} {
		*f = figures{CPU: spreadOf(cpu[side]), Warm: spreadOf(warm[side]), Memory: spreadOf(memory[side])}
	}
	r.CPU, r.Warm, r.Memory = r.Ours.CPU.Median/r.Vips.CPU.Median, r.Ours.Warm.Median/r.Vips.Warm.Median, r.Ours.Memory.Median/r.Vips.Memory.Median
	return r, nil
}

// sides are the two commands, but for the files to read.
func (b *bench) sides() [2][]string {
	return [2][]string{
		{b.self, makeTask, filepath.Join(b.dir, "ours.jpg")},
		{b.vips, "--size", "592x592", "--smartcrop", "centre", "-o", filepath.Join(b.dir, "vips.jpg") + "[Q=80,strip]"},
	}
}

// copies gives the file names of its own, because libvips remembers what it did to a name.
func (b *bench) copies(file string) ([]string, error) {
	src, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	names := make([]string, 1+more)
	for i := range names {
		names[i] = filepath.Join(b.dir, "copy-"+strconv.Itoa(i)+filepath.Ext(file))
		if err := os.RemoveAll(names[i]); err != nil {
			return nil, err
		}
		if err := os.Symlink(src, names[i]); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// expense is what one process took.
type expense struct{ cpu, peak float64 } // ms, MiB

// spend runs a command to its end, on one processor.
func (b *bench) spend(ctx context.Context, name string, args ...string) (expense, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(cmd.Environ(), "GOMAXPROCS=1", memoryLimit, "VIPS_CONCURRENCY=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return expense{}, fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(string(out)))
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return expense{cpu: float64(cpu.Microseconds()) / 1000, peak: peakMiB(cmd.ProcessState)}, nil
}
