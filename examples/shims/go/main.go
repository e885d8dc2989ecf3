// A balancer in Go for windtunnel: least outstanding attempts, a break after failures, one fallback.
//
// Build and run:
//
//	go build -o shim . && windtunnel run scenarios/error-burst.toml --set rps=500 --policy cmd:./shim
//
// One JSON object a line, see docs/shim-protocol.md. Replace balancer by yours; main can stay as it is.
// Only virtual time (Now) and Luck may decide anything, or a run is not the same twice.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

const (
	second = 1_000_000_000
	// A route that failed is left alone for so long.
	breakFor    = 5 * second
	attemptsMax = 2
)

// message is any line that comes in; which fields it has depends on its type.
type message struct {
	Type   string `json:"type"`
	Now    int64  `json:"now"`
	Routes []struct {
		Route int `json:"route"`
		Model int `json:"model"`
	} `json:"routes"`
	Request struct {
		Model int `json:"model"`
	} `json:"request"`
	Past         []outcome `json:"past"`
	Avoid        []int     `json:"avoid"`
	Luck         float64   `json:"luck"`
	Route        int       `json:"route"`
	Present      bool      `json:"present"`
	Outcome      string    `json:"outcome"`
	RetryAfterNs int64     `json:"retry_after_ns"`
}

type outcome struct {
	Route   int    `json:"route"`
	Outcome string `json:"outcome"`
	Status  int    `json:"status"`
}

// answer is any line that goes out.
type answer struct {
	Type     string `json:"type"`
	Protocol int    `json:"protocol,omitempty"`
	TickMs   int    `json:"tick_ms,omitempty"`
	Route    *int   `json:"route,omitempty"`
	Status   int    `json:"status,omitempty"`
	Routes   []view `json:"routes,omitempty"`
}

type view struct {
	Route int    `json:"route"`
	State string `json:"state"`
}

// retryable: another route may do better.
func retryable(outcome string) bool {
	switch outcome {
	case "rate_limited", "server_error", "unreachable", "timeout", "key_refused":
		return true
	}
	return false
}

type balancer struct {
	byModel     map[int][]int
	outstanding []int
	brokenUntil []int64
	present     []bool
}

func newBalancer(hello *message) *balancer {
	n := len(hello.Routes)
	b := &balancer{map[int][]int{}, make([]int, n), make([]int64, n), make([]bool, n)}
	for _, route := range hello.Routes {
		b.byModel[route.Model] = append(b.byModel[route.Model], route.Route)
		b.present[route.Route] = true
	}
	return b
}

func (b *balancer) end(fact *message) {
	b.outstanding[fact.Route]--
	if retryable(fact.Outcome) || fact.Outcome == "stream_broken" {
		wait := fact.RetryAfterNs
		if wait == 0 {
			wait = breakFor
		}
		if until := fact.Now + wait; until > b.brokenUntil[fact.Route] {
			b.brokenUntil[fact.Route] = until
		}
	}
}

func (b *balancer) decide(ask *message) answer {
	avoid := map[int]bool{}
	for _, route := range ask.Avoid {
		avoid[route] = true
	}
	if n := len(ask.Past); n > 0 {
		last := ask.Past[n-1]
		if !retryable(last.Outcome) || n >= attemptsMax {
			return answer{Type: "stop", Status: last.Status}
		}
		for _, ended := range ask.Past {
			avoid[ended.Route] = true
		}
	}
	// Rather a broken route than none.
	for _, mayBeBroken := range []bool{false, true} {
		var best []int
		for _, route := range b.byModel[ask.Request.Model] {
			if !b.present[route] || avoid[route] || (!mayBeBroken && b.brokenUntil[route] > ask.Now) {
				continue
			}
			switch {
			case len(best) == 0 || b.outstanding[route] < b.outstanding[best[0]]:
				best = []int{route}
			case b.outstanding[route] == b.outstanding[best[0]]:
				best = append(best, route)
			}
		}
		if len(best) > 0 {
			route := best[int(ask.Luck*float64(len(best)))]
			b.outstanding[route]++
			return answer{Type: "send", Route: &route}
		}
	}
	return answer{Type: "stop", Status: 503}
}

func (b *balancer) tick(ask *message) answer {
	seen := answer{Type: "seen"}
	for route, until := range b.brokenUntil {
		state := "healthy"
		if until > ask.Now {
			state = "failed"
		}
		seen.Routes = append(seen.Routes, view{route, state})
	}
	return seen
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	var b *balancer
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return // No more questions.
		}
		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			fmt.Fprintln(os.Stderr, "not a message:", err)
			os.Exit(1)
		}
		var a answer
		switch m.Type {
		case "hello":
			b = newBalancer(&m)
			a = answer{Type: "ready", Protocol: 1, TickMs: 1000}
		case "decide":
			a = b.decide(&m)
		case "tick":
			a = b.tick(&m)
		case "end":
			b.end(&m)
			continue // A fact needs no answer.
		case "present":
			b.present[m.Route] = m.Present
			continue
		default:
			continue
		}
		text, err := json.Marshal(a)
		if err != nil {
			fmt.Fprintln(os.Stderr, "no answer:", err)
			os.Exit(1)
		}
		out.Write(text)
		out.WriteByte('\n')
		if out.Flush() != nil {
			return
		}
	}
}
