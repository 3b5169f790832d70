"""Who may agree to a promotion, and whose word still counts when it is carried out."""

from orlop.domain.access import Action, Caller, Subject, SubjectKind
from orlop.domain.access.subjects import is_robot_name
from orlop.domain.errors import Denied, RegistryError
from orlop.domain.promotion.promotion import Promotion
from orlop.services.access.decisions import Access
from orlop.services.promotion.paths import Way


class Approvers:
    """Rights and memberships are those of now, of the account that it was: who has its name later is somebody else."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def check_pushes(self, caller: Caller, promotion: Promotion) -> None:
        """Raises Denied unless somebody may push to every target: whom its pipeline names decides of nothing that goes
        another way by now."""
        for image in promotion.images:
            await self._access.check(caller, Action.PUSH_NEW, repository=image.target)

    async def check(self, caller: Caller, promotion: Promotion, way: Way) -> None:
        """Raises Denied unless somebody may agree to it, or refuse it."""
        named = way.pipeline.approvers_of(way.target.name)
        await self.check_pushes(caller, promotion)
        for image in promotion.images:
            if named:
                membership = await self._access.membership(caller, image.target)
                if not membership.is_one_of(named, str(image.target_tag or "")):
                    raise Denied(
                        f"pipeline {way.name}: only {' or '.join(named)} may decide what enters {way.target.name}",
                        {"pipeline": way.name, "stage": way.target.name},
                    )

    async def counting(self, promotion: Promotion, way: Way) -> int:
        """How many of those who agreed still may: not one that left, or lost the right since."""
        count = 0
        for approval in promotion.approvals:
            if approval.account == promotion.asked_id:
                continue
            try:
                await self.check(account_caller(approval.account, approval.name), promotion, way)
            except RegistryError:
                continue
            count += 1
        return count


def account_caller(account: int, name: str, address: str = "", request: str = "") -> Caller:
    """An account that is not there itself, by the rights that it has now."""
    kind = SubjectKind.ROBOT if is_robot_name(name) else SubjectKind.USER
    return Caller(Subject(name, kind, account), address, request)
