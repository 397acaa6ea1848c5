package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
)

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version of the program, of Go and of the data in Redis",
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, _ []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				System  string `json:"system"`
				Schema  int    `json:"schema"`
			}{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, redisconn.Schema}
			if a.json() {
				return printJSON(a.out, v)
			}
			_, err := fmt.Fprintf(a.out, "groupphoto %s (%s, %s, schema %d)\n", v.Version, v.Go, v.System, v.Schema)
			return err
		},
	}
	a.outputFlag(cmd)
	return cmd
}
