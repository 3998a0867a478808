"""Sequences as they are written in the field."""

import pytest

from tumorlens.reading.sequence import guess_sequence


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("BraTS2021_00006_t1ce.nii.gz", "t1c"),
        ("BraTS2021_00006_t1.nii.gz", "t1"),
        ("BraTS2021_00006_t2.nii.gz", "t2"),
        ("BraTS2021_00006_flair.nii.gz", "flair"),
        ("BraTS-GLI-00001-000-t1n.nii.gz", "t1"),
        ("BraTS-GLI-00001-000-t1c.nii.gz", "t1c"),
        ("BraTS-GLI-00001-000-t2w.nii.gz", "t2"),
        ("BraTS-GLI-00001-000-t2f.nii.gz", "flair"),
        ("sub-01_ses-02_T1w.nii.gz", "t1"),
        ("sub-01_ce-GD_T1w.nii.gz", "t1c"),
        ("sub-01_FLAIR.nii.gz", "flair"),
        ("case_t1gd.nii", "t1c"),
        ("case_t1Gd.nii", "t1c"),
        ("T1_post.dcm", "t1c"),
        ("AX T1 POST GD", "t1c"),
        ("T1 MPRAGE +C", "t1c"),
        ("Ax T1 pre contrast", "t1"),
        ("t1 without contrast", "t1"),
        ("t1_se_tra", "t1"),
        ("Sag T2 FLAIR", "flair"),
        ("Ax T2 FLAIR +C", "flair"),
        ("AX FLAIR reg to T1", "flair"),
        ("sub-at1_flair.nii.gz", "flair"),
        ("Sag T1 FLAIR", "t1"),
        ("SAG_T1_FLAIR.nii.gz", "t1"),
        ("Ax T1FLAIR", "t1"),
        ("T1w-FLAIR", "t1"),
        ("Ax T1 FLAIR pre contrast", "t1"),
        ("Sag T1 FLAIR +C", "t1c"),
        ("AX_T1_FLAIR_POST.nii.gz", "t1c"),
        ("t2_tirm_tra_dark-fluid", "flair"),
        ("t2_tirm_tra_dark-fluid_fs", "flair"),
        ("t2_spc_da-fl_irprep_sag_p2_iso", "flair"),
        ("t2_space_flair_sag", "flair"),
        ("t2_space-flair_sag", "flair"),
        ("tirm_tra_dark-fluid", "flair"),
        ("t1_tirm_tra_dark-fluid", "t1"),
        ("5_t1_tirm_tra_dark-fluid.nii.gz", "t1"),
        ("t1_tse_tra_320_dark-fluid_3mm", "t1"),
        ("t1_tirm_sag_dark-fluid_KM", "t1c"),
        ("T1 tirm cor dark fluid +C", "t1c"),
        ("T1 AX FLAIR", "t1"),
        ("T1 SAG PROPELLER FLAIR", "t1"),
        ("flair_to_t1.nii.gz", "flair"),
        ("t1_to_flair.nii.gz", "t1"),
        ("t1c_reg_to_flair.nii.gz", "t1c"),
        ("t2_in_T1.nii.gz", "t2"),
        ("2_flair.nii.gz", "flair"),
        ("TO_T1.nii.gz", "t1"),
        ("in-2_t2.nii.gz", "t2"),
        ("sub-01_space-T1w_FLAIR.nii.gz", "flair"),
        ("sub-01_space-T1w_desc-preproc_FLAIR.nii.gz", "flair"),
        ("sub-01_space-FLAIR_T1w.nii.gz", "t1"),
        ("sub-01_acq-darkfluid_T1w.nii.gz", "t1"),
        ("sub-01_PDw.nii.gz", None),
        ("Patient-001_CT1.nii.gz", "t1c"),
        ("CT1_t2.nii.gz", "t2"),
        ("CT1_t1.nii.gz", "t1"),
        ("t2_tse_tra", "t2"),
        ("t2star", None),
        ("T2* GRE", None),
        ("DWI b1000", None),
        ("chris_t1.nii.gz", "t1"),
        ("MNI152_T1_2mm.nii.gz", "t1"),
        ("mprage.nii", "t1"),
        ("at12.png", None),
        ("image1.jpg", None),
        ("", None),
    ],
)
def test_names(name: str, sequence: str | None) -> None:
    assert guess_sequence(name) == sequence


def test_contrast_is_known_otherwise() -> None:
    assert guess_sequence("Ax T1", contrast=True) == "t1c"
    assert guess_sequence("Ax T1 FLAIR", contrast=True) == "t1c"
    assert guess_sequence("Ax T2", contrast=True) == "t2"
