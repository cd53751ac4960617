package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

// flagError says which flag is wrong, and what to write instead.
func flagError(cmd *cobra.Command, err error) error {
	help, command := "see "+cmd.CommandPath()+" --help", ""
	if cmd.HasParent() {
		command = commandName(cmd) + ": "
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("%s--%s needs a value; %s", command, e.GetFlag().Name, help)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("%s--%s is %q; it must be %s", command, e.GetFlag().Name, e.GetValue(), valueOf[e.GetFlag().Value.Type()])
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		flag, long := "--"+e.GetSpecifiedName(), e.GetSpecifiedName()
		if group := e.GetSpecifiedShortnames(); group != "" { // one dash
			flag, long = "-"+e.GetSpecifiedName(), strings.SplitN(group, "=", 2)[0]
			if len(long) > 1 { // a long flag, most likely
				flag = "-" + long
			}
		}
		near := nearest.Of(long, flagNames(cmd))
		if near != "" {
			near = "--" + near
		}
		return fmt.Errorf("%sunknown flag %s; %s", command, flag, didYouMean(near, help))
	}
	return fmt.Errorf("%s%w; %s", command, err, help)
}

// valueOf says what the values of a type of flag are.
var valueOf = map[string]string{"int": "a whole number", "bool": "true or false", "stringArray": "a text", "stringSlice": "names with commas between them", "duration": "a duration, such as 30s", "size": "a size of at most 1024MiB, such as 20MiB"}

// flagNames returns the long names of a command's flags.
func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}
