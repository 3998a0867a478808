"""What every card, report and answer says about itself."""

NOTICE = (
    "Research software, not a medical device. Not for diagnosis or treatment decisions: "
    "a qualified radiologist must read the scan."
)
