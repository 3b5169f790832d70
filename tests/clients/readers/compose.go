package main

import (
	"context"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func readCompose(one request, given *answer) error {
	details := types.ConfigDetails{
		WorkingDir:  "/nowhere",
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(one.Text)}},
		Environment: one.Variables,
	}
	project, err := loader.LoadWithContext(context.Background(), details, func(options *loader.Options) {
		options.SetProjectName("x", true)
		options.SkipConsistencyCheck = true
		options.SkipResolveEnvironment = true
		options.SkipResolveLabels = true
		options.SkipExtends = true
		options.SkipInclude = true
		options.Profiles = []string{"*"}
	})
	if err != nil {
		return err
	}
	add := func(name string) {
		if name != "" {
			given.Images = append(given.Images, name)
		}
	}
	for _, service := range project.AllServices() {
		add(service.Image)
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeImage {
				add(volume.Source)
			}
		}
		if service.Build == nil {
			continue
		}
		for _, context := range service.Build.AdditionalContexts {
			if image, ok := strings.CutPrefix(context, "docker-image://"); ok {
				add(image)
			}
		}
		for _, cache := range service.Build.CacheFrom {
			if !strings.Contains(cache, "=") {
				add(cache)
				continue
			}
			for _, field := range strings.Split(cache, ",") {
				if ref, ok := strings.CutPrefix(field, "ref="); ok {
					add(ref)
				}
			}
		}
		// What is written within is read as BuildKit gets it.
		if inline := service.Build.DockerfileInline; inline != "" {
			within := &answer{}
			if err := readDockerfile(request{Text: inline}, within); err != nil {
				return err
			}
			given.Images = append(given.Images, within.Images...)
		}
	}
	return nil
}

// The variables of a file, each as NAME=VALUE.
func readDotenv(one request, given *answer) error {
	variables, err := dotenv.ParseWithLookup(strings.NewReader(one.Text), func(string) (string, bool) { return "", false })
	for name, value := range variables {
		given.Images = append(given.Images, name+"="+value)
	}
	return err
}
