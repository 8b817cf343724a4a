"""Rules by which whoever runs this wants to be alarmed, beside FMCSA's own thresholds."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fmcsa_orchestrator.model.fmcsa import INTERVENTION_THRESHOLDS, Basic

Percent = Annotated[float, Field(ge=0, le=100)]


class AlertRules(BaseModel):
    """What is alarming.

    Attributes:
        percentiles: by BASIC, the percentile (0-100) at or above which it is; for BASICs that are left out, FMCSA's intervention
            thresholds for passenger, hazmat and all other carriers.
        measures: by BASIC, the SMS measure at or above which it is; without one, no measure is.
        oos_rate_points: an out-of-service rate so many percentage points above the national average is; None: no rate is.
        least_inspections: with fewer inspections of the kind, no rate is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    percentiles: dict[Basic, Percent] = {}
    measures: dict[Basic, Annotated[float, Field(ge=0)]] = {}
    oos_rate_points: Annotated[float, Field(ge=0, le=100)] | None = None
    least_inspections: Annotated[int, Field(ge=1)] = 5

    def percentile(self, basic: Basic, *, passenger: bool, hazmat: bool) -> float:
        """The percentile at or above which this BASIC is alarming for such a carrier."""
        if basic in self.percentiles:
            return self.percentiles[basic]
        of_passenger, of_hazmat, of_others = INTERVENTION_THRESHOLDS[basic]
        return of_passenger if passenger else of_hazmat if hazmat else of_others
