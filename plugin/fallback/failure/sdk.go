package failure

import (
	"net/http"
	"reflect"
)

// fromSDK recognizes the errors of SDKs that are not imported here, by their shape: openai-go and anthropic-sdk-go have
// RawJSON() and the fields StatusCode and Response; the AWS SDK has HTTPStatusCode() and ErrorCode().
func (e *evidence) fromSDK(err error) bool {
	switch x := err.(type) {
	case interface{ HTTPStatusCode() int }:
		e.status = httpStatus(x.HTTPStatusCode())
		visit(err, e.fromAWS)
		return e.status != 0
	case interface{ RawJSON() string }:
		e.status = httpStatus(intField(err, "StatusCode"))
		if resp := responseField(err); resp != nil {
			e.fromHeader(resp.Header)
			if e.status == 0 {
				e.status = httpStatus(resp.StatusCode)
			}
		}
		e.addText(x.RawJSON(), 0)
		return e.status != 0 || e.text != ""
	}
	return false
}

// fromAWS reads the modelled error that is wrapped in the AWS SDK's response error.
func (e *evidence) fromAWS(err error) bool {
	api, ok := err.(interface {
		ErrorCode() string
		ErrorMessage() string
	})
	if ok {
		e.addFault(api.ErrorCode())
		e.addText(api.ErrorMessage(), 0)
	}
	return ok
}

// httpStatus returns n if it is an HTTP status, else 0.
func httpStatus(n int) int {
	if n < 100 || n > 599 {
		return 0
	}
	return n
}

// field returns an exported field of the struct behind err; the zero Value when there is none.
func field(err error, name string) reflect.Value {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	if f := v.FieldByName(name); f.IsValid() && f.CanInterface() {
		return f
	}
	return reflect.Value{}
}

func intField(err error, name string) int {
	if f := field(err, name); f.IsValid() && f.CanInt() {
		return int(f.Int())
	}
	return 0
}

func responseField(err error) *http.Response {
	if f := field(err, "Response"); f.IsValid() {
		resp, _ := f.Interface().(*http.Response)
		return resp
	}
	return nil
}
