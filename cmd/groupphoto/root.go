package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plugchat-go/groupphoto/tasks"
)

// app is one run of the program: what came in, and the flags all commands share.
type app struct {
	streams
	env map[string]string

	output  string
	account string
	redis   string
}

// command builds the whole tree of commands for one command line.
func (a *app) command(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "groupphoto",
		Short: "Changes the photos of WhatsApp groups through PlugChat, reliably and in bulk",
		Long: `groupphoto changes the photos of WhatsApp groups through PlugChat, reliably and in bulk.

To see it at work, without an account: groupphoto dev

Settings come from flags, then the environment, then defaults; a secret can be in
a file named by NAME_FILE instead of in NAME. 'groupphoto doctor' shows them all
with their source. Data goes to stdout, all
else to stderr. Exit codes: 0 done, 1 could not do it, 2 usage or bad input,
3 refused, 4 failed, 5 not finished in the time given, 6 a campaign with rows that
are neither updated nor unchanged, 7 superseded, expired or cancelled, 130
interrupted.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return &usageError{cmd.CommandPath(), unknownCommand(cmd, args[0])}
		},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.checkShared(cmd) },
		CompletionOptions: cobra.CompletionOptions{DisableDescriptions: false},
	}
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{cmd.CommandPath(), flagError(err)} })
	root.AddCommand(
		a.devCommand(), a.workerCommand(), a.updateCommand(), a.outcomeCommand(), a.retryCommand(), a.cancelCommand(), a.accountCommand(),
		a.campaignCommand(), a.groupsCommand(), a.photoCommand(), a.webhookCommand(), a.sandboxCommand(), a.doctorCommand(), a.healthcheckCommand(), a.versionCommand(),
	)
	return root
}

// The flags that several commands share stand on those alone that act on them:
// elsewhere they would be accepted and do nothing.

// outputFlag offers text and json, and what a command has besides.
func (a *app) outputFlag(cmd *cobra.Command, more ...string) {
	forms, usage := append([]string{"text", "json"}, more...), "`form` of the data on stdout: text, or json (one object per line)"
	if len(more) > 0 {
		usage += ", or " + strings.Join(more, ", or ")
	}
	flags := cmd.Flags()
	flags.StringVarP(&a.output, "output", "o", "text", usage)
	_ = flags.SetAnnotation("output", outputForms, forms)                                                           // fails only for a flag that is not there
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp)) // as above
}

// outputForms is where the flag keeps what it takes.
const outputForms = "forms"

func (a *app) accountFlag(cmd *cobra.Command, usage string) {
	cmd.Flags().StringVar(&a.account, "account", "", usage)
	_ = cmd.RegisterFlagCompletionFunc("account", a.completeAccount) // as above
}

func (a *app) redisFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.redis, "redis", "", "`URL` of Redis, without a password (default REDIS_URL)")
}

// lookUpFlags are those of the commands that work on an update by its id.
func (a *app) lookUpFlags(cmd *cobra.Command) *cobra.Command {
	a.outputFlag(cmd)
	a.redisFlag(cmd)
	a.accountFlag(cmd, "`name` of the account it was enqueued for (default: any)")
	return cmd
}

func (a *app) checkShared(cmd *cobra.Command) error {
	if f := cmd.Flags().Lookup("output"); f != nil && !slices.Contains(f.Annotations[outputForms], a.output) {
		return &usageError{cmd.CommandPath(), fmt.Errorf("--output %q: must be %s", clip(a.output, 20), strings.Join(f.Annotations[outputForms], " or "))}
	}
	if a.account != "" {
		if err := tasks.CheckAccount(a.account); err != nil {
			return &usageError{cmd.CommandPath(), err}
		}
	}
	return nil
}

// json tells whether data is to be printed as JSON.
func (a *app) json() bool { return a.output == "json" }

// accountName is the account of the command line, or the default.
func (a *app) accountName() string {
	if a.account == "" {
		return tasks.DefaultAccount
	}
	return a.account
}

func unknownCommand(cmd *cobra.Command, name string) error {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	if near := tasks.Nearest(name, names); near != "" {
		return fmt.Errorf("there is no command %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("there is no command %q", name)
}

// flagError makes pflag's errors free of values: a value may be a secret that
// was given to the wrong flag.
func flagError(err error) error {
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("--%s: the value cannot be read as %s", e.GetFlag().Name, kindOf(e.GetFlag()))
	}
	return err
}

func kindOf(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "duration":
		return "a duration such as 30s, 5m or 2d"
	case "bool":
		return "true or false"
	default:
		return f.Value.Type()
	}
}

// arguments wants exactly the named arguments.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return &usageError{cmd.CommandPath(), fmt.Errorf("%s is missing", strings.Join(names[len(args):], " "))}
		case len(args) > len(names):
			return &usageError{cmd.CommandPath(), fmt.Errorf("argument %q is one too many", clip(args[len(names)], 40))}
		}
		return nil
	}
}

// clip shortens text for a message without cutting a character.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
