package duplex_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/mask"
)

// functions are the exported functions and methods of the packages that do no I/O, which
// take any argument without a panic. A method has its receiver as its first argument.
var functions = map[string]any{
	"mask.Copy":   mask.Copy,
	"mask.NewKey": mask.NewKey,
	"mask.XOR":    mask.XOR,

	"frame.AppendClose":         frame.AppendClose,
	"frame.Parse":               frame.Parse,
	"frame.ParseClose":          frame.ParseClose,
	"frame.Header.Append":       frame.Header.Append,
	"frame.Header.Check":        frame.Header.Check,
	"frame.Header.Len":          frame.Header.Len,
	"frame.Opcode.IsControl":    frame.Opcode.IsControl,
	"frame.Opcode.IsReserved":   frame.Opcode.IsReserved,
	"frame.Opcode.String":       frame.Opcode.String,
	"frame.Role.Peer":           frame.Role.Peer,
	"frame.Role.String":         frame.Role.String,
	"frame.StatusCode.Sendable": frame.StatusCode.Sendable,
	"frame.StatusCode.String":   frame.StatusCode.String,
	"frame.Violation.Code":      frame.Violation.Code,
	"frame.Violation.Error":     frame.Violation.Error,
	"frame.Violation.Section":   frame.Violation.Section,

	"handshake.Accept":                handshake.Accept,
	"handshake.AcceptKey":             handshake.AcceptKey,
	"handshake.AppendExtensions":      handshake.AppendExtensions,
	"handshake.Dial":                  handshake.Dial,
	"handshake.NewKey":                handshake.NewKey,
	"handshake.ParseExtensions":       handshake.ParseExtensions,
	"handshake.Upgrade":               handshake.Upgrade,
	"handshake.Error.Error":           (*handshake.Error).Error,
	"handshake.Error.Unwrap":          (*handshake.Error).Unwrap,
	"handshake.Error.Versions":        (*handshake.Error).Versions,
	"handshake.Extension.String":      handshake.Extension.String,
	"handshake.Request.Header":        (*handshake.Request).Header,
	"handshake.Response.Append":       handshake.Response.Append,
	"handshake.ServerOptions.Verdict": (*handshake.ServerOptions).Verdict,

	"deflate.Negotiate":        deflate.Negotiate,
	"deflate.NewDecoder":       deflate.NewDecoder,
	"deflate.NewEncoder":       deflate.NewEncoder,
	"deflate.Offer":            deflate.Offer,
	"deflate.Verify":           deflate.Verify,
	"deflate.Corrupt.Error":    deflate.Corrupt.Error,
	"deflate.Decoder.Append":   (*deflate.Decoder).Append,
	"deflate.Decoder.End":      (*deflate.Decoder).End,
	"deflate.Decoder.Keep":     (*deflate.Decoder).Keep,
	"deflate.Decoder.Reset":    (*deflate.Decoder).Reset,
	"deflate.Encoder.Add":      (*deflate.Encoder).Add,
	"deflate.Encoder.Append":   (*deflate.Encoder).Append,
	"deflate.Encoder.End":      (*deflate.Encoder).End,
	"deflate.Encoder.Flush":    (*deflate.Encoder).Flush,
	"deflate.Encoder.Forget":   (*deflate.Encoder).Forget,
	"deflate.Encoder.Reset":    (*deflate.Encoder).Reset,
	"deflate.ParamError.Error": (*deflate.ParamError).Error,
}

// exported returns the exported functions and methods of a package, without those of types
// that are not exported.
func exported(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	p := packages(t)[dir]
	for _, file := range p.GoFiles {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(filepath.FromSlash(dir), file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() {
				continue
			}
			name := f.Name.Name
			if f.Recv != nil {
				of := f.Recv.List[0].Type
				if star, ok := of.(*ast.StarExpr); ok {
					of = star.X
				}
				receiver := of.(*ast.Ident)
				if !receiver.IsExported() {
					continue
				}
				name = receiver.Name + "." + name
			}
			names[dir+"."+name] = true
		}
	}
	return names
}

// No exported function panics, whatever its arguments: zero values, nil, the least and the
// greatest numbers, values that an enumeration does not have, text that is none. Only a nil
// receiver and a nil context may. A function that has no row fails the test.
func TestArguments(t *testing.T) {
	want, rows := map[string]bool{}, map[string]bool{}
	for _, dir := range []string{"mask", "frame", "handshake", "deflate"} {
		for name := range exported(t, dir) {
			want[name] = true
		}
	}
	for name := range functions {
		rows[name] = true
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("functions (-exported +called):\n%s", diff)
	}
	for name, f := range functions {
		t.Run(name, func(t *testing.T) { callOddly(t, reflect.ValueOf(f), strings.Count(name, ".") == 2) })
	}
}

// maxOddCalls is how many of the combinations of arguments are tried.
const maxOddCalls = 5000

// callOddly calls a function with every odd value for each of its arguments.
func callOddly(t *testing.T, f reflect.Value, method bool) {
	kind := f.Type()
	lists, all := make([][]reflect.Value, kind.NumIn()), 1
	for i := range lists {
		lists[i] = odd(t, kind.In(i), 0)
		if method && i == 0 && kind.In(0).Kind() == reflect.Pointer {
			lists[i] = lists[i][1:] // without nil
		}
		all *= len(lists[i])
	}
	step := 1 + all/maxOddCalls
	for n := 0; n < all; n += step {
		args := make([]reflect.Value, len(lists))
		for i, rest := 0, n; i < len(lists); i++ {
			args[i] = lists[i][rest%len(lists[i])]
			rest /= len(lists[i])
		}
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Fatalf("panics for %.300s: %v\n%s", fmt.Sprint(args), v, debug.Stack())
				}
			}()
			f.Call(args)
		}()
	}
}

// odd returns values of a type that nobody expects. The first is its zero value, except of
// contexts, which are never nil.
func odd(t *testing.T, kind reflect.Type, depth int) []reflect.Value {
	if kind == reflect.TypeFor[context.Context]() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		return []reflect.Value{reflect.ValueOf(ended)}
	}
	list := []reflect.Value{reflect.Zero(kind)}
	add := func(values ...any) {
		for _, v := range values {
			list = append(list, reflect.ValueOf(v).Convert(kind))
		}
	}
	switch kind.Kind() {
	case reflect.Bool:
		add(true)
	case reflect.Int, reflect.Int64:
		add(-1, 1, 7, 9, 15, 16,
			int64(math.MinInt64)>>(64-kind.Bits()), int64(math.MaxInt64)>>(64-kind.Bits()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		add(uint64(1), uint64(8), uint64(15), uint64(math.MaxUint64)>>(64-kind.Bits()))
	case reflect.String:
		add("\x00", "\xff\xfe", "a b\r\nc: d", "ws://%zz", "ws://[::1", "127.0.0.1:1", strings.Repeat("\u20ac;=\",", 10_000))
	case reflect.Pointer:
		for _, v := range odd(t, kind.Elem(), depth+1) {
			p := reflect.New(kind.Elem())
			p.Elem().Set(v)
			list = append(list, p)
		}
	case reflect.Slice:
		list = append(list, reflect.MakeSlice(kind, 0, 0))
		if kind.Elem().Kind() == reflect.Uint8 {
			add([]byte{0}, []byte("\x88\x7f\xff"), []byte(strings.Repeat("\xff", 100)), make([]byte, 70_000))
			break
		}
		for _, v := range odd(t, kind.Elem(), depth+1) {
			list = append(list, reflect.Append(reflect.MakeSlice(kind, 0, 2), v, v))
		}
	case reflect.Map:
		list = append(list, reflect.MakeMap(kind))
	case reflect.Struct:
		list = append(list, oddStructs(t, kind, depth)...)
	}
	return list
}

// oddStructs returns structs of which one field after the other is odd.
func oddStructs(t *testing.T, kind reflect.Type, depth int) (list []reflect.Value) {
	if depth > 3 || kind.PkgPath() != "" && !strings.HasPrefix(kind.PkgPath(), module) {
		return nil
	}
	for i := range kind.NumField() {
		if !kind.Field(i).IsExported() {
			continue
		}
		for _, v := range odd(t, kind.Field(i).Type, depth+1)[1:] {
			s := reflect.New(kind).Elem()
			s.Field(i).Set(v)
			list = append(list, s)
		}
	}
	return list
}
