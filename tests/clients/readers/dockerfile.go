package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/opencontainers/go-digest"
	"github.com/sirupsen/logrus"
)

func init() {
	logrus.SetOutput(io.Discard)
}

// images knows an empty image under every name, and notes the names.
type images struct {
	mutex sync.Mutex
	names []string
}

func (i *images) ResolveImageConfig(_ context.Context, name string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.names = append(i.names, name)
	config := []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"}}`)
	return name, digest.FromBytes(config), config, nil
}

func readDockerfile(one request, given *answer) error {
	known := &images{}
	if syntax, _, _, ok := parser.DetectSyntax([]byte(one.Text)); ok {
		given.Word = syntax
	}
	options := dockerfile2llb.ConvertOpt{MetaResolver: known, AllStages: true}
	options.BuildArgs = one.Variables
	_, err := dockerfile2llb.Dockerfile2LLB(context.Background(), []byte(one.Text), options)
	given.Images = known.names
	return err
}

func readWord(one request, given *answer) error {
	var variables []string
	for name, value := range one.Variables {
		variables = append(variables, name+"="+value)
	}
	escape := []rune(one.Escape + `\`)[0]
	result, err := shell.NewLex(escape).ProcessWordWithMatches(one.Text, shell.EnvsFromSlice(variables))
	given.Word = strings.ToValidUTF8(result.Result, "?")
	given.Unmatched = slices.Sorted(maps.Keys(result.Unmatched))
	return err
}
