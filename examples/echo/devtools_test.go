package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/duplexws/duplex/conn"
)

// devtools is a client of a browser's DevTools protocol: JSON over WebSocket. It
// reads only while it waits for something, and by one goroutine.
type devtools struct {
	ws     *conn.Conn
	lastID int
}

// incoming is what the browser sends: the result of the call that had this ID, or
// without one an event.
type incoming struct {
	ID        int             `json:"id"`
	SessionID string          `json:"sessionId"`
	Method    string          `json:"method"`
	Params    json.RawMessage `json:"params"`
	Result    json.RawMessage `json:"result"`
	Error     *struct {
		Message string `json:"message"`
		Data    string `json:"data"`
	} `json:"error"`
}

type params map[string]any

// send writes a command and returns the ID that its result will have.
func (d *devtools) send(ctx context.Context, session, method string, p params) (int, error) {
	d.lastID++
	command := params{"id": d.lastID, "method": method}
	if p != nil {
		command["params"] = p
	}
	if session != "" {
		command["sessionId"] = session
	}
	text, err := json.Marshal(command)
	if err != nil {
		return 0, err
	}
	return d.lastID, d.ws.Write(ctx, conn.Text, text)
}

func (d *devtools) receive(ctx context.Context) (incoming, error) {
	var in incoming
	_, text, err := d.ws.Read(ctx)
	if err != nil {
		return in, err
	}
	return in, json.Unmarshal(text, &in)
}

// tab is a page in the browser.
type tab struct {
	*devtools
	session  string
	fired    map[string]int // how often each event was seen
	problems []string       // exceptions, console errors, failed loads
}

// newTab opens an empty page and listens to what happens in it.
func newTab(ctx context.Context, d *devtools) (*tab, error) {
	p := &tab{devtools: d, fired: make(map[string]int)}
	var target struct{ TargetID string }
	if err := p.call(ctx, "Target.createTarget", params{"url": "about:blank"}, &target); err != nil {
		return nil, err
	}
	var attached struct{ SessionID string }
	err := p.call(ctx, "Target.attachToTarget", params{"targetId": target.TargetID, "flatten": true}, &attached)
	p.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		if err == nil {
			err = p.call(ctx, domain+".enable", nil, nil)
		}
	}
	return p, err
}

// call sends a command and decodes its result. Events that come first are noted.
func (p *tab) call(ctx context.Context, method string, args params, result any) error {
	id, err := p.send(ctx, p.session, method, args)
	if err != nil {
		return err
	}
	for {
		in, err := p.receive(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", method, err)
		case in.Method != "":
			p.note(in)
		case in.ID == id && in.Error != nil:
			return fmt.Errorf("%s: %s %s", method, in.Error.Message, in.Error.Data)
		case in.ID == id && result != nil:
			return json.Unmarshal(in.Result, result)
		case in.ID == id:
			return nil
		}
	}
}

// note counts an event and keeps it if it tells of something gone wrong.
func (p *tab) note(in incoming) {
	if in.SessionID != p.session {
		return
	}
	p.fired[in.Method]++
	var what struct {
		Type  string                 // of a console call
		Entry struct{ Level string } // of a log entry
	}
	// An event of another shape leaves both empty, and is none of those sought.
	_ = json.Unmarshal(in.Params, &what)
	bad := in.Method == "Runtime.exceptionThrown" ||
		in.Method == "Runtime.consoleAPICalled" && (what.Type == "error" || what.Type == "assert") ||
		in.Method == "Log.entryAdded" && what.Entry.Level == "error"
	if bad {
		p.problems = append(p.problems, in.Method+" "+string(in.Params))
	}
}

// open loads a page and waits until it and all that it refers to is there.
func (p *tab) open(ctx context.Context, url string) error {
	const loaded = "Page.loadEventFired"
	before := p.fired[loaded]
	var result struct{ ErrorText string }
	if err := p.call(ctx, "Page.navigate", params{"url": url}, &result); err != nil {
		return err
	}
	if result.ErrorText != "" {
		return errors.New(url + ": " + result.ErrorText)
	}
	for p.fired[loaded] == before {
		in, err := p.receive(ctx)
		if err != nil {
			return err
		}
		p.note(in)
	}
	return nil
}

// eval evaluates a JavaScript expression, awaits it if it is a promise, and decodes
// its value.
func (p *tab) eval(ctx context.Context, expression string, value any) error {
	var result struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	err := p.call(ctx, "Runtime.evaluate", params{
		"expression": expression, "awaitPromise": true, "returnByValue": true,
	}, &result)
	switch {
	case err != nil:
		return err
	case result.ExceptionDetails != nil:
		return fmt.Errorf("%s: %s", expression, result.ExceptionDetails)
	case value == nil:
		return nil
	}
	return json.Unmarshal(result.Result.Value, value)
}

// until waits for an expression to become something other than false, null or "",
// looking again whenever the page changes, and decodes that value.
func (p *tab) until(ctx context.Context, expression string, value any) error {
	err := p.eval(ctx, `new Promise(resolve => {
		const look = () => {
			const value = (`+expression+`);
			if (value) {
				observer.disconnect();
				resolve(value);
			}
		};
		const observer = new MutationObserver(look);
		observer.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
		look();
	})`, value)
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", expression, err)
	}
	return nil
}

// click presses and releases the mouse in the middle of the element with this id.
// Three clicks select the text of an input.
func (p *tab) click(ctx context.Context, id string, count int) error {
	var at struct{ X, Y float64 }
	err := p.eval(ctx, `(() => {
		const element = document.getElementById("`+id+`");
		element.scrollIntoView({block: "center", behavior: "instant"});
		const r = element.getBoundingClientRect();
		return {x: r.x + r.width/2, y: r.y + r.height/2};
	})()`, &at)
	for n := 1; n <= count; n++ {
		for _, kind := range []string{"mousePressed", "mouseReleased"} {
			if err == nil {
				err = p.call(ctx, "Input.dispatchMouseEvent", params{
					"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": n,
				}, nil)
			}
		}
	}
	return err
}

// enter replaces the text of the input with this id, as by keyboard.
func (p *tab) enter(ctx context.Context, id, text string) error {
	if err := p.click(ctx, id, 3); err != nil {
		return err
	}
	return p.call(ctx, "Input.insertText", params{"text": text}, nil)
}
