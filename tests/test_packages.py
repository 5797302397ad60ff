from almbench.packages import missing_packages, release


def test_release_names_package_and_version() -> None:
    assert release("pystoi") == "pystoi 0.4.1"
    assert release("no-such-package") == "no-such-package (not installed)"


def test_what_is_missing_is_named_with_the_command_that_installs_it() -> None:
    assert missing_packages(["numpy"], "numpy") is None
    assert missing_packages(["numpy", "nowhere", "nothing"], "'almbench[no]'") == (
        "nowhere and nothing are not installed. To fix: pip install 'almbench[no]'"
    )
    assert missing_packages(["nowhere"], "it") == "nowhere is not installed. To fix: pip install it"
