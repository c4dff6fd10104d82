package command

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// manifests are the files in deploy/kubernetes, with Kubernetes' own types.
type manifests struct {
	deployment appsv1.Deployment
	service    corev1.Service
	budget     policyv1.PodDisruptionBudget
	ingress    networkingv1.Ingress
	secret     corev1.Secret
}

// readManifests fails the test if a manifest has a field that Kubernetes doesn't know, a value of the wrong type, or
// another kind.
func readManifests(t *testing.T) *manifests {
	t.Helper()
	m := &manifests{}
	for file, kinds := range map[string][]struct {
		header string
		into   any
	}{
		"rollcall.yaml": {
			{"apiVersion: apps/v1\nkind: Deployment\n", &m.deployment},
			{"apiVersion: v1\nkind: Service\n", &m.service},
			{"apiVersion: policy/v1\nkind: PodDisruptionBudget\n", &m.budget},
		},
		"ingress.yaml":        {{"apiVersion: networking.k8s.io/v1\nkind: Ingress\n", &m.ingress}},
		"secret.yaml.example": {{"apiVersion: v1\nkind: Secret\n", &m.secret}},
	} {
		documents := strings.Split(readText(t, "deploy/kubernetes/"+file), "\n---\n")
		if len(documents) != len(kinds) {
			t.Fatalf("%s has %d documents, want %d", file, len(documents), len(kinds))
		}
		for i, kind := range kinds {
			if !strings.Contains("\n"+documents[i], "\n"+kind.header) {
				t.Errorf("document %d of %s lacks %q", i+1, file, kind.header)
			}
			if err := yaml.UnmarshalStrict([]byte(documents[i]), kind.into); err != nil {
				t.Fatalf("document %d of %s: %v", i+1, file, err)
			}
		}
	}
	return m
}

// The parts of the manifests refer to each other, and to settings, files, and addresses that exist.
func TestKubernetes(t *testing.T) {
	m := readManifests(t)
	pod := m.deployment.Spec.Template
	for what, selector := range map[string]map[string]string{
		"Deployment": m.deployment.Spec.Selector.MatchLabels, "Service": m.service.Spec.Selector,
		"PodDisruptionBudget": m.budget.Spec.Selector.MatchLabels,
	} {
		if len(selector) == 0 || !isSubset(selector, pod.Labels) {
			t.Errorf("the %s selects %v, want the pod's labels %v", what, selector, pod.Labels)
		}
	}
	if len(pod.Spec.Containers) != 1 || *m.deployment.Spec.Replicas < 2 {
		t.Fatalf("%d containers in %d pods, want one in at least two", len(pod.Spec.Containers), *m.deployment.Spec.Replicas)
	}
	c := pod.Spec.Containers[0]
	image, _ := dockerfile(t)
	if len(c.Ports) != 1 || c.Ports[0].Name != "http" || strconv.Itoa(int(c.Ports[0].ContainerPort)) != image["PORT"] {
		t.Errorf("ports %v, want http at the image's %s", c.Ports, image["PORT"])
	}
	if p := m.service.Spec.Ports; len(p) != 1 || p[0].TargetPort.StrVal != "http" || p[0].Name != "http" {
		t.Errorf("the Service has the ports %v, want http", p)
	}
	backend := m.ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
	if backend.Name != m.service.Name || backend.Port.Name != "http" {
		t.Errorf("the Ingress leads to %s, port %s, want the Service %s, port http", backend.Name, backend.Port.Name,
			m.service.Name)
	}
	known := append(variables(), secretNames()...)
	host := ""
	for _, e := range c.Env {
		if name := strings.TrimSuffix(e.Name, "_FILE"); name != "GOMEMLIMIT" && !slices.Contains(known, name) {
			t.Errorf("the Deployment sets %s, which isn't a setting", e.Name)
		}
		if e.Name == "ROLLCALL_PUBLIC_URL" {
			host = strings.TrimPrefix(e.Value, "https://")
		}
		path, isFile := strings.CutPrefix(e.Value, c.VolumeMounts[0].MountPath+"/")
		if _, there := m.secret.StringData[path]; strings.HasSuffix(e.Name, "_FILE") != isFile || isFile && !there {
			t.Errorf("%s is %s, want a file of the Secret for variables that end in _FILE", e.Name, e.Value)
		}
	}
	if rule := m.ingress.Spec.Rules[0].Host; rule != host || !slices.Contains(m.ingress.Spec.TLS[0].Hosts, host) {
		t.Errorf("the Ingress is for %s with TLS for %v, want the host of the public URL, %s", rule,
			m.ingress.Spec.TLS[0].Hosts, host)
	}
	if secret := pod.Spec.Volumes[0].Secret; secret == nil || secret.SecretName != m.secret.Name {
		t.Errorf("the first volume is %v, want the Secret %s", pod.Spec.Volumes[0], m.secret.Name)
	}
	for name, value := range m.secret.StringData {
		if strings.Contains(value, "PASSWORD") == (name == "secret-key") {
			t.Errorf("the template of the Secret has %s: %s, want a placeholder", name, value)
		}
	}
}

func isSubset(part, whole map[string]string) bool {
	for k, v := range part {
		if whole[k] != v {
			return false
		}
	}
	return true
}

// Pods run with as few rights as the image allows.
func TestKubernetesSecurity(t *testing.T) {
	spec := readManifests(t).deployment.Spec.Template.Spec
	image, _ := dockerfile(t)
	context, c := spec.SecurityContext, spec.Containers[0]
	for what, id := range map[string]*int64{"user": context.RunAsUser, "group": context.RunAsGroup, "group of files": context.FSGroup} {
		if id == nil || strconv.FormatInt(*id, 10) != image["ROLLCALL_RUN_AS"] {
			t.Errorf("the pod's %s isn't the image's %s", what, image["ROLLCALL_RUN_AS"])
		}
	}
	limits := c.SecurityContext
	if !*context.RunAsNonRoot || *limits.AllowPrivilegeEscalation || !*limits.ReadOnlyRootFilesystem ||
		!slices.Equal(limits.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
		context.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the security context is %v and %v, want no root, a read-only root, no capabilities, and seccomp", context, limits)
	}
	if *spec.AutomountServiceAccountToken || *spec.EnableServiceLinks {
		t.Error("pods get a token of Kubernetes, or variables of Services that look like settings, want neither")
	}
	folder, _, _ := strings.Cut(strings.TrimPrefix(image["ROLLCALL_DB"], "/"), "/")
	if !slices.ContainsFunc(c.VolumeMounts, func(v corev1.VolumeMount) bool { return v.MountPath == "/"+folder && !v.ReadOnly }) {
		t.Errorf("nothing is mounted at /%s, the only folder that Rollcall writes to", folder)
	}
}

// Probes ask the right things, stopping fits in the time that Kubernetes gives, and the proxy waits for pings.
func TestKubernetesTimes(t *testing.T) {
	m := readManifests(t)
	spec := m.deployment.Spec.Template.Spec
	c := spec.Containers[0]
	for path, probes := range map[string][]*corev1.Probe{
		"/healthz": {c.StartupProbe, c.LivenessProbe}, "/readyz": {c.ReadinessProbe},
	} {
		for _, p := range probes {
			if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != path || p.HTTPGet.Port.StrVal != "http" {
				t.Errorf("a probe is %v, want GET %s at the port http", p, path)
			}
		}
	}
	stop := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second + drainLimit
	if got := time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second; got <= stop+time.Second {
		t.Errorf("Kubernetes waits %v, want more than %v", got, stop+time.Second)
	}
	if u := m.deployment.Spec.Strategy.RollingUpdate; u.MaxUnavailable.IntValue() != 0 || u.MaxSurge.IntValue() != 1 ||
		m.budget.Spec.MaxUnavailable.IntValue() != 1 {
		t.Error("an update or an eviction stops several pods at once, want one at a time")
	}
	for _, name := range []string{"proxy-read-timeout", "proxy-send-timeout"} {
		text := m.ingress.Annotations["nginx.ingress.kubernetes.io/"+name]
		if seconds, err := strconv.Atoi(text); err != nil || seconds < 60 {
			t.Errorf("%s is %q, want at least a minute, because pings come every 20 s", name, text)
		}
	}
	if got := m.ingress.Annotations["nginx.ingress.kubernetes.io/proxy-buffering"]; got != "off" {
		t.Errorf("proxy-buffering is %q, want off for streams", got)
	}
}
