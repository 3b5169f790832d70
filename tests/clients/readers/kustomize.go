package main

import (
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// The images of the containers that come out, in their order, for manifests that are those of `manifests.yaml`.
func readKustomization(one request, given *answer) error {
	files := filesys.MakeFsInMemory()
	if err := files.WriteFile("/kustomization.yaml", []byte(one.Text)); err != nil {
		return err
	}
	if err := files.WriteFile("/manifests.yaml", []byte(one.Manifests)); err != nil {
		return err
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/")
	if err != nil {
		return err
	}
	for _, resource := range resources.Resources() {
		containers, err := resource.Pipe(yaml.Lookup("spec", "containers"))
		if err != nil || containers == nil {
			continue
		}
		elements, err := containers.Elements()
		if err != nil {
			return err
		}
		for _, element := range elements {
			image, err := element.GetString("image")
			if err != nil {
				return err
			}
			given.Images = append(given.Images, image)
		}
	}
	return nil
}
