"""What the service counts about itself, for Prometheus; nothing of it names a scan."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from tumorlens.card import Card
from tumorlens.errors import TumorlensError
from tumorlens.prediction import Prediction, VolumePrediction

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TENTHS = tuple(step / 10 for step in range(1, 11))
_SCORES = (-1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0)


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
        self.gate_scores = Histogram(
            "tumorlens_gate_score",
            "What the input gate measured, by check, of slices of their own and of volumes'.",
            ["check", "kind"],
            buckets=_SCORES,
            registry=registry,
        )
        self._gate_limits = Gauge(
            "tumorlens_gate_limit",
            "The largest gate score that is let through, by check.",
            ["check"],
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
        """Name the model, and what its gate lets through."""
        self._model.labels(card.name, card.version, card.sha256).set(1)
        for check, limit in (card.gate.limits if card.gate else {}).items():
            self._gate_limits.labels(check).set(limit)

    def count_answer(self, answer: Prediction | VolumePrediction) -> None:
        """Count one answer: its class, how sure it is, and how like brain MRI the scan looked."""
        kind = "volume" if isinstance(answer, VolumePrediction) else "slice"
        self.answers.labels(kind, answer.label, str(answer.accepted).lower()).inc()
        self.tumor_probability.observe(answer.tumor_probability)
        self.confidence.observe(max(answer.probabilities.values()))
        for one in _slices(answer):
            for check, score in one.gate_scores.items():
                self.gate_scores.labels(check, kind).observe(score)

    def count_refusal(self, error: TumorlensError) -> None:
        """Count a scan or a request that got no answer."""
        self.refusals.labels(error.code).inc()


def _slices(answer: Prediction | VolumePrediction) -> list[Prediction]:
    if isinstance(answer, VolumePrediction):
        return [one.answer for one in answer.slices]
    return [answer]
