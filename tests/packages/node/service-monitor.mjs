// Validates the ServiceMonitor on standard input by the schema of the operator of Prometheus.
import {readFileSync} from "node:fs";
import {ServiceMonitor} from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

new ServiceMonitor(JSON.parse(readFileSync(0, "utf8"))).validate();
