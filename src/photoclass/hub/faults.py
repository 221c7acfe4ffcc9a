"""What can go wrong with the hub, as one line each: what happened, with which repository, and what helps."""

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass

from photoclass.errors import ModelError, OutputError, PhotoclassError
from photoclass.hub.access import HubAccess, import_hub
from photoclass.hub.reference import HubReference

_SPACE = (errno.ENOSPC, errno.EDQUOT)
_LOGIN = "log in with `hf auth login` or set HF_TOKEN"


class HubUnreachableError(ModelError):
    """The hub does not answer, or is out of order; what was downloaded before may do."""


@contextlib.contextmanager
def hub_faults(reference: HubReference, access: HubAccess, *, uploads: bool = False) -> Iterator[None]:
    """Turn failures of requests, downloads and uploads into errors of one line.

    Args:
        reference: What the requests are about.
        access: How the hub is reached.
        uploads: Whether something is uploaded.

    Raises:
        HubUnreachableError: The hub does not answer, or is out of order.
        ModelError: Any other failure of a download.
        OutputError: A failure of an upload.
    """
    try:
        yield
    except PhotoclassError:
        raise
    except Exception as error:
        told = _Teller(reference, access, uploads).tell(error)
        if told is None:
            raise
        raise told from error


@dataclass(frozen=True)
class _Teller:
    """Says what an error means for the user."""

    reference: HubReference
    access: HubAccess
    uploads: bool

    def tell(self, error: BaseException) -> PhotoclassError | None:
        """Return the error to raise instead; None for one that nobody expects."""
        errors = import_hub().errors
        page = f"{self.access.endpoint}/{self.reference.repository}"
        known = (  # the first that fits: the later ones are the more general ones
            (errors.GatedRepoError, f"is gated; accept its terms on {page}, and {_LOGIN}"),
            (errors.DisabledRepoError, f"is disabled by the hub; see {page}"),
            (
                errors.RepositoryNotFoundError,
                f"no such repository at {self.access.endpoint}, or a private one; {_LOGIN}",
            ),
            (
                errors.RevisionNotFoundError,
                f"the repository has no revision {self.reference.revision!r}; see {page}",
            ),
            (errors.HFValidationError, "is no name that the hub can have; check its spelling"),
        )
        for kind, text in known:
            if isinstance(error, kind):
                return self._error(text)
        if isinstance(error, errors.HfHubHTTPError):
            return self._tell_status(error.response.status_code, error)
        if isinstance(error, RuntimeError | errors.EntryNotFoundError):  # says only that another error came first
            return self.tell(error.__cause__) if error.__cause__ else self._unreachable("")
        if isinstance(error, OSError):
            return self._tell_system(error)
        if isinstance(error, ValueError):  # an answer that is no JSON, or lacks what the hub's answers have
            return self._error(f"{self.access.endpoint} does not answer as a hub does; check HF_ENDPOINT")
        return self._unreachable(_first_line(error) or type(error).__name__) if _is_transport(error) else None

    def _tell_status(self, status: int, error: BaseException) -> PhotoclassError:
        endpoint = self.access.endpoint
        if status in (401, 403):
            rights = "write to" if self.uploads else "read"
            return self._error(f"{endpoint} refuses access ({status}); {_LOGIN} to a token that may {rights} it")
        if status == 429 or status >= 500:
            return self._error(f"{endpoint} is out of order or busy ({status}); try again later", unreachable=True)
        return self._error(f"{endpoint} refuses the request ({status}: {_first_line(error)})")

    def _tell_system(self, error: OSError) -> PhotoclassError:
        if error.errno in _SPACE:
            return self._error(
                f"no space left for it in {self.access.cache}; free some, or set HF_HOME to another disk"
            )
        if error.errno is None:  # huggingface_hub's own, on the sizes of files
            return self._error("was cut short while it was transferred; try again", unreachable=True)
        place = error.filename or self.access.cache
        return self._error(f"{place} cannot be written ({error.strerror}); set HF_HOME to a folder that can")

    def _unreachable(self, reason: str) -> PhotoclassError:
        why = f" ({reason})" if reason else ""
        offline = "" if self.uploads else ", or set HF_HUB_OFFLINE=1 to use what was downloaded before"
        text = f"{self.access.endpoint} does not answer{why}; check the connection and HF_ENDPOINT{offline}"
        return self._error(text, unreachable=True)

    def _error(self, text: str, *, unreachable: bool = False) -> PhotoclassError:
        kind = OutputError if self.uploads else HubUnreachableError if unreachable else ModelError
        return kind(f"{self.reference}: {text}")


def _is_transport(error: BaseException) -> bool:
    """Return whether an error is the HTTP library's: huggingface_hub has changed that library before."""
    return any(parent.__module__.partition(".")[0].startswith("httpx") for parent in type(error).__mro__)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")
