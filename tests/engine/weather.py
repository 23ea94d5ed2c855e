"""Two tools that remember what they were asked."""

from __future__ import annotations


class Weather:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def temperature(self, city: str) -> int:
        """The temperature in a city, in degrees Celsius."""
        self.asked.append(f"temperature {city}")
        return 31

    async def humidity(self, city: str) -> str:
        """The humidity in a city."""
        self.asked.append(f"humidity {city}")
        return "12 %"
