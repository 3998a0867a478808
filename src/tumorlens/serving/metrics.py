"""What the service counts about itself, for Prometheus; nothing of it names a scan."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from tumorlens.card import Card
from tumorlens.prediction import Prediction, VolumePrediction

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TENTHS = tuple(step / 10 for step in range(1, 11))


class Metrics:
    """The counters of one application, in a registry of their own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.requests = Counter(
            "tumorlens_requests_total",
            "Requests by route, method and status.",
            ["route", "method", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "tumorlens_request_seconds",
            "Seconds from the request's headers to the end of the response.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.answers = Counter(
            "tumorlens_answers_total",
            "Answers by kind, class, and whether the gate accepted the scan.",
            ["kind", "label", "accepted"],
            registry=registry,
        )
        self.refusals = Counter(
            "tumorlens_refusals_total",
            "Scans and requests refused, by code.",
            ["code"],
            registry=registry,
        )
        self.tumor_probability = Histogram(
            "tumorlens_tumor_probability",
            "1 - P(no_tumor) of the answers.",
            buckets=_TENTHS,
            registry=registry,
        )
        self.confidence = Histogram(
            "tumorlens_confidence",
            "The most probable class's probability; a drift shows in its distribution.",
            buckets=_TENTHS,
            registry=registry,
        )
        self.batches = Histogram(
            "tumorlens_batch_slices",
            "Slices of several requests that went through the network together.",
            buckets=(1, 2, 4, 8, 16),
            registry=registry,
        )
        self.waiting = Gauge(
            "tumorlens_waiting_requests",
            "Requests being received or answered.",
            registry=registry,
        )
        self._model = Gauge(
            "tumorlens_model_info",
            "The model that answers.",
            ["name", "version", "sha256"],
            registry=registry,
        )
        ProcessCollector(registry=registry)

    def show_model(self, card: Card) -> None:
        """Name the model."""
        self._model.labels(card.name, card.version, card.sha256).set(1)

    def count_answer(self, answer: Prediction | VolumePrediction) -> None:
        """Count one answer: its class and how sure it is."""
        kind = "volume" if isinstance(answer, VolumePrediction) else "slice"
        self.answers.labels(kind, answer.label, str(answer.accepted).lower()).inc()
        self.tumor_probability.observe(answer.tumor_probability)
        self.confidence.observe(max(answer.probabilities.values()))
