"""The bundled model against CLAIM, item by item: what is answered where, and what was not done.

A. Tejani and others, "Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024
Update", Radiology: Artificial Intelligence 6, 2024, doi:10.1148/ryai.240300. Items in our words.
"""

from collections.abc import Iterable, Mapping, Sequence

DONE, PARTLY, NOT_DONE, NOT_FITTING = "yes", "partly", "no", "does not apply"

CLAIM: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "Title, summary, introduction": (
        ("Named as AI, with its technique", DONE, "A convolutional network; see above."),
        ("Structured summary", DONE, "This card."),
        ("Background and intended role", PARTLY, "Intended use above; no clinical role."),
        ("Aims and hypotheses", PARTLY, "To classify, and to be honest about it; none was "
         "registered beforehand."),
    ),
    "Data": (
        ("Prospective or retrospective", DONE, "Retrospective: public data sets."),
        ("Goal of the study", DONE, "Making and testing a research model; no superiority test."),
        ("Data sources", DONE, "The table of data above, with sources and licences."),
        ("Inclusion and exclusion", PARTLY, "Every readable picture with one of the classes; "
         "pictures without contrast and slices whose outline is smaller than 32 pixels are left "
         "out. How the data sets' authors chose patients is theirs to say."),
        ("Preprocessing", DONE, "Head cropped, intensities between two percentiles, resized: "
         "the preparation in the card, the same code in training and use."),
        ("Selection of subsets", DONE, "Whole data sets, as far as they were at hand; the split "
         "is kept picture by picture in split.csv."),
        ("De-identification", PARTLY, "Done by the data sets' publishers; not checked here."),
        ("Missing data", PARTLY, "No clinical data are used; missing sequences are left out."),
        ("Acquisition protocols", NOT_DONE, "Most sets do not state scanner, field strength or "
         "sequence parameters."),
    ),
    "Reference standard": (
        ("Definition", PARTLY, "The data sets' own labels: class folders, or for slice-wise sets "
         "glioma where the outline is set."),
        ("Rationale", PARTLY, "No other standard is public at this size."),
        ("Annotators and their qualification", NOT_DONE, "Stated by some of the sets only."),
        ("How test data were annotated", PARTLY, "As the training data; nothing was annotated "
         "anew."),
        ("Variability between annotators", NOT_DONE, "Not published with the sets."),
    ),
    "Partitions": (
        ("How data were assigned", DONE, "By group, spread evenly over labels and data sets, "
         "with a fixed seed."),
        ("Level of disjointness", DONE, "The patient; where unknown, clusters of nearly the same "
         "pictures, over all data sets together."),
        ("Sample size", NOT_DONE, "Not calculated: all that was at hand. The intervals say how "
         "much it tells."),
    ),
    "Model and training": (
        ("Description of the model", DONE, "Named above; built by the code of this repository."),
        ("Software", DONE, "Versions in the run's run.json."),
        ("Initialization", DONE, "In the card's training settings."),
        ("Training approach", DONE, "In the card's training settings and the run's history."),
        ("Choice of the final model", DONE, "Lowest loss on the validation part, which therefore "
         "flatters it a little."),
        ("Ensembling", NOT_FITTING, "One network."),
    ),
    "Evaluation": (
        ("Metrics", DONE, "Above, by class, data set, plane and sequence."),
        ("Uncertainty and significance", DONE, "95 % intervals bootstrapped by patient; "
         "`tumorlens evaluate --against` compares two models."),
        ("Robustness", PARTLY, "The checks above: same heads, painting over, surroundings, "
         "healthy volumes. No test over scanners of known make."),
        ("Explainability", DONE, "Heatmaps, held against outlines above."),
        ("Internal testing", PARTLY, "The validation part, which also served to choose the epoch "
         "and to calibrate; no third part was kept for testing alone."),
        ("External testing", PARTLY, "Sources marked as not trained on in the checks above, of "
         "few patients."),
        ("Trial registration", NOT_FITTING, "No clinical trial."),
    ),
    "Results and discussion": (
        ("Numbers included and excluded", DONE, "The table of data; blank pictures are counted."),
        ("Demographics by partition", NOT_DONE, "Age, sex and grade are not in most of the sets."),
        ("Performance with uncertainty", DONE, "Above."),
        ("Diagnostic performance", DONE, "Sensitivity and specificity of tumor against none, "
         "slice by slice; none patient by patient."),
        ("Failure analysis", DONE, "Known failures above; the surest mistakes as pictures in "
         "report.html."),
        ("Limitations", DONE, "Above."),
        ("Implications for practice", DONE, "None: not for diagnosis or treatment decisions."),
    ),
    "Other": (
        ("Full protocol", DONE, "This repository: settings, split, code and history."),
        ("Availability", DONE, "Code and weights here; data at their publishers."),
        ("Funding and interests", NOT_DONE, "Not stated."),
    ),
}  # fmt: skip
"""By section: (item, whether it is answered, how)."""

_OF_A_LEAKY_SPLIT = {
    "How data were assigned": (DONE, "As somebody's split says, which was taken over though it "
                               "leaks."),
    "Level of disjointness": (NOT_DONE, "Some patients, or pictures, stand in both parts."),
}  # fmt: skip
"""What is answered otherwise there, by item."""


def claim(*, leaky: bool) -> dict[str, list[tuple[str, str, str]]]:
    """The checklist by section: (item, whether it is answered, how).

    Args:
        leaky: Whether the model's split has a patient or a picture on both sides.
    """
    other = _OF_A_LEAKY_SPLIT if leaky else {}
    return {section: list(_items(rows, other)) for section, rows in CLAIM.items()}


def _items(
    rows: Iterable[tuple[str, str, str]], other: Mapping[str, tuple[str, str]]
) -> Iterable[tuple[str, str, str]]:
    for item, *answer in rows:
        answered, how = other.get(item, answer)
        yield item, answered, how
