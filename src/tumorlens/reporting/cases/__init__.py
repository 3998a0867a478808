"""What is written of heads whose tumor's regions were outlined: label maps, pictures, a page."""

from tumorlens.reporting.cases.writing import write_case_segments

__all__ = ["write_case_segments"]
