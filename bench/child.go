package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	startWait = 20 * time.Second
	stopWait  = 12 * time.Second // a server promises to be gone after 10
)

// child is a program that is started and ended here. Used by one goroutine.
type child struct {
	name string // as errors call it
	log  *os.File

	cmd     *exec.Cmd // nil: not running
	exited  chan error
	began   time.Time
	startup time.Duration // until it was ready
}

// start runs cmd until stop, and waits until ready says that it is.
func (c *child) start(ctx context.Context, cmd *exec.Cmd, ready func() bool) error {
	cmd.Stdout, cmd.Stderr = c.log, c.log
	c.began = time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	c.cmd, c.exited = cmd, exited
	if err := c.await(ctx, ready); err != nil {
		_ = c.stop() // err says more than how it ended
		return err
	}
	c.startup = time.Since(c.began)
	return nil
}

func (c *child) await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWait, fmt.Errorf("%s was not ready after %v", c.name, startWait))
	defer cancel()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for !ready() {
		select {
		case <-poll.C:
		case err := <-c.exited:
			c.cmd = nil
			return fmt.Errorf("%s ended at once: %w\n%s", c.name, err, c.lastLines())
		case <-ctx.Done():
			return fmt.Errorf("%w\n%s", context.Cause(ctx), c.lastLines())
		}
	}
	return nil
}

// stop ends the program as a supervisor would. Stopping one that does not run does nothing.
func (c *child) stop() error {
	if c.cmd == nil {
		return nil
	}
	defer func() { c.cmd = nil }()
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already; exited tells
	select {
	case err := <-c.exited:
		if err != nil {
			return fmt.Errorf("%s ended badly: %w\n%s", c.name, err, c.lastLines())
		}
		return nil
	case <-time.After(stopWait):
		_ = c.cmd.Process.Kill()
		<-c.exited
		return fmt.Errorf("%s was not gone %v after SIGTERM\n%s", c.name, stopWait, c.lastLines())
	}
}

// process is the program as it runs now, for its processor time and memory.
func (c *child) process() process {
	if c.cmd == nil {
		return process{}
	}
	return process{c.cmd.Process.Pid}
}

// lastLines is the end of what the program said.
func (c *child) lastLines() string {
	said, _ := os.ReadFile(c.log.Name())
	return string(said[max(0, len(said)-2000):])
}
