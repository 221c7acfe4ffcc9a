"""Where the hub is, where its files are kept, and huggingface_hub itself, without its telemetry."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from photoclass.extras import load_extra

# Names of this program in the requests that it sends, as every client gives one.
LIBRARY = "photoclass"
LIBRARY_VERSION = version("photoclass")


@dataclass(frozen=True)
class HubAccess:
    """How the hub is reached.

    Attributes:
        endpoint: Its address.
        cache: The folder of downloaded files, which all programs that use the hub share.
        offline: Whether no request may be sent.
        timeout: Seconds that the hub has to answer.
    """

    endpoint: str
    cache: Path
    offline: bool = False
    timeout: float = 10.0

    def api(self) -> Any:
        """Return the client of the hub's interface."""
        return import_hub().HfApi(endpoint=self.endpoint, library_name=LIBRARY, library_version=LIBRARY_VERSION)


def usual_access() -> HubAccess:
    """Return what the environment says: HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_HUB_ETAG_TIMEOUT.

    Raises:
        MissingPackageError: huggingface_hub is not installed.
    """
    constants = import_hub().constants
    return HubAccess(
        constants.ENDPOINT, Path(constants.HF_HUB_CACHE), constants.HF_HUB_OFFLINE, constants.HF_HUB_ETAG_TIMEOUT
    )


def import_hub() -> Any:
    """Import huggingface_hub, without telemetry, progress bars and remarks on the screen.

    Raises:
        MissingPackageError: It is not installed.
    """
    hub = _load("huggingface_hub")
    # Its own modules are attributes of it only once they are imported.
    constants, logging = _load("huggingface_hub.constants"), _load("huggingface_hub.utils.logging")
    _load("huggingface_hub.errors")
    # Its requests would name torch's version and the program that started this one. Set here and not in the
    # environment, which it reads when it is first imported, perhaps before this module.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    # What its remarks on retries mean for the user, the message of the failure says.
    logging.set_verbosity_error()
    if constants.HF_HUB_DISABLE_PROGRESS_BARS is None:  # else the user's environment decides
        _load("huggingface_hub.utils").disable_progress_bars()
    return hub


def _load(module: str) -> Any:
    return load_extra(module, "hub", "a name on the hub (hf:)")
