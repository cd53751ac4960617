package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
)

func newKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make API keys for serve",
		Long: `Keys makes API keys for a gateway (command serve). The gateway's keys file has only their hashes.

` + exitHelp,
		Example:           `  adk-fallback keys new --tenant acme`,
		Args:              unknownCommand,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysNew())
	return cmd
}

func newKeysNew() *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Print a new API key, and its entry for the keys file",
		Long: `New makes a random API key. It prints the key to standard error, and its entry for the keys file to standard output. The
key cannot be recovered from the entry.

The hash of a key is the SHA-256 of its bytes: printf %s "$KEY" | sha256sum

` + exitHelp,
		Example: `  echo keys: > keys.yaml
  adk-fallback keys new --tenant acme >> keys.yaml`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tenant == "" {
				return errors.New("keys new needs --tenant")
			}
			apiKey, hash := gateway.NewKey()
			entry := fmt.Sprintf("  - tenant: %s\n    sha256: %s\n", quotedYAML(tenant), hash)
			if _, err := gateway.ParseKeys([]byte("keys:\n" + entry)); err != nil {
				return fmt.Errorf("keys new: --tenant is %.140q; it must be a name of at most 128 letters, digits, spaces and . _ : / @ | + -, beginning with a letter or digit", tenant)
			}
			if _, err := fmt.Fprint(cmd.OutOrStdout(), entry); err != nil {
				return fmt.Errorf("keys new: %w", err)
			}
			_, err := fmt.Fprintf(cmd.ErrOrStderr(), "%s\n", apiKey)
			return err
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", "`name` of the tenant that pays for the calls")
	completeNothing(cmd, "tenant")
	return cmd
}

// quotedYAML returns a name as YAML: in quotes, as a number or true would be no name.
func quotedYAML(name string) string { return "'" + strings.ReplaceAll(name, "'", "''") + "'" }
