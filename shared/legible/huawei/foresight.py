"""The object storage of one invocation, which asks ahead: ``ports.Foresight`` over ``ObsStore``."""

from __future__ import annotations

from typing import Any

from legible.errors import RejectedError, ReplacedError
from legible.huawei.glances import Glances
from legible.huawei.obs import ObsStore, head_of, header
from legible.model.documents import ObjectRef
from legible.ports import WHOLE, Head, Wanted

#: A glance reads so many bytes, most documents whole; and of a larger one how it ends (``formats.LAST_BYTES``).
_GLANCE, _TAIL = 256 * 1024, 4096


class ForesightStore(ObsStore):
    """Objects in OBS, some of them asked for before they are needed. See ``legible.ports.Foresight``.

    Made anew for each invocation: what it keeps is as old as that at most.
    """

    def __init__(self, *values: Any, **named: Any) -> None:
        """Know of nothing yet; the arguments are those of ``ObsStore``."""
        super().__init__(*values, **named)
        self._glances = Glances()

    def glance(self, ref: ObjectRef, version_id: str = "", etag: str = "", size: int = 0) -> Head:
        """See ``Foresight.glance``."""
        if size > _GLANCE and etag:  # how it ends is asked for next
            self.prefetch(ref, Wanted(version_id, etag, size - _TAIL, size - 1))
        try:
            answer, body = self._got(ref, Wanted(version_id, "", 0, _GLANCE - 1))
        except RejectedError:  # 416: an empty object has no first byte (obs_04_0083)
            return self.head(ref, version_id)
        # "bytes 0-99/1234": behind the slash stands the size of the whole (GetObject, api-obs obs_04_0083).
        whole = header(answer, "content-range").rpartition("/")[2]
        head = head_of(self._described(answer), int(whole) if whole.isdecimal() else len(body))
        self._glances.keep(ref, version_id, head, body)
        return head

    def glanced(self, ref: ObjectRef, version_id: str = "") -> Head | None:
        """See ``Foresight.glanced``."""
        return self._glances.head(ref, version_id)

    def prefetch(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> None:
        """See ``Foresight.prefetch``."""
        self._glances.begin(ref, wanted, lambda: self._get(ref, wanted))

    def read(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> bytes:
        """See ``ObjectStore.read``."""
        if wanted.first is not None and wanted.first == wanted.last:
            return super().read(ref, wanted)  # who reads one byte asks whether the object is there now
        try:
            known = self._glances.taken(ref, wanted)
        except ReplacedError:  # whether that is so, the store itself finds out
            known = None
        return super().read(ref, wanted) if known is None else known
