"""The queue of instructions that tests have sent and requests have not used up."""

from .script import Instruction


class InstructionQueue:
    """Instructions that have not been used up."""

    def __init__(self) -> None:
        self._limited: list[Instruction] = []
        self._unlimited: list[Instruction] = []

    def add(self, instructions: list[Instruction]) -> None:
        for instruction in instructions:
            if instruction.times is None:
                self._unlimited.insert(0, instruction)
            elif instruction.times > 0:
                self._limited.append(instruction)

    def clear(self) -> None:
        self._limited.clear()
        self._unlimited.clear()

    def take(
        self, call: str, user: str, token: str, message: str = ""
    ) -> Instruction | None:
        """Return the instruction for a request, if any, and count its use."""
        for instruction in (*self._limited, *self._unlimited):
            if instruction.applies_to(call, user, token, message):
                self._count_use(instruction)
                return instruction
        return None

    def _count_use(self, instruction: Instruction) -> None:
        if instruction.times is None:
            return
        instruction.times -= 1
        if instruction.times == 0:
            self._limited.remove(instruction)
