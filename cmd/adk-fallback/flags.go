package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

// flagError says which flag is wrong, and what to write instead.
func flagError(cmd *cobra.Command, err error) error {
	help, command := "see "+cmd.CommandPath()+" --help", ""
	if cmd.HasParent() {
		command = commandName(cmd) + ": "
	}
	var named interface { // pflag's errors about a flag that does not exist, or has no value
		GetSpecifiedName() string
		GetSpecifiedShortnames() string
	}
	if errors.As(err, &named) {
		flag, long := "--"+named.GetSpecifiedName(), named.GetSpecifiedName()
		if group := named.GetSpecifiedShortnames(); group != "" { // one dash
			flag, long = "-"+named.GetSpecifiedName(), strings.SplitN(group, "=", 2)[0]
			if len(long) > 1 { // a long flag, most likely
				flag = "-" + long
			}
		}
		if strings.HasPrefix(err.Error(), "flag needs an argument") {
			return fmt.Errorf("%s%s needs a value; %s", command, flag, help)
		}
		near := nearest.Of(long, flagNames(cmd))
		if near != "" {
			near = "--" + near
		}
		return fmt.Errorf("%sunknown flag %s; %s", command, flag, didYouMean(near, help))
	}
	var invalid interface{ GetValue() string } // pflag's error about a value, which names the flag in its text alone
	if errors.As(err, &invalid) {
		_, name, _ := strings.Cut(err.Error(), ` for "`)
		name, _, _ = strings.Cut(name, `" flag`)
		if flag := cmd.Flags().Lookup(strings.TrimLeft(name, "-")); flag != nil {
			return fmt.Errorf("%s--%s is %q; it must be %s", command, flag.Name, invalid.GetValue(), valueOf[flag.Value.Type()])
		}
	}
	return fmt.Errorf("%s%w; %s", command, err, help)
}

// valueOf says what the values of a type of flag are.
var valueOf = map[string]string{"int": "a whole number", "bool": "true or false", "stringArray": "a text", "stringSlice": "names with commas between them"}

var flagName = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+)`)

// flagNames returns the long names of a command's flags, as its help lists them: walking over the flags themselves would take
// an import of pflag.
func flagNames(cmd *cobra.Command) []string {
	var names []string
	for _, found := range flagName.FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
		names = append(names, found[1])
	}
	return names
}
