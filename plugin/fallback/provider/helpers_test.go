package provider_test

import (
	"reflect"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

var takesType = reflect.TypeFor[provider.Takes]()

// filledTakes returns a Takes with its i-th field set.
func filledTakes(i int) provider.Takes {
	var takes provider.Takes
	field := reflect.ValueOf(&takes).Elem().Field(i)
	if field.Kind() == reflect.Slice {
		field.Set(reflect.MakeSlice(field.Type(), 0, 1))
	} else {
		field.Set(reflect.New(field.Type().Elem()))
	}
	return takes
}

// equalField tells whether a and b hold the same thing in their i-th field.
func equalField(a, b provider.Takes, i int) bool {
	return reflect.ValueOf(a).Field(i).Pointer() == reflect.ValueOf(b).Field(i).Pointer()
}
