import type { ScheduleFact, SchedulesFact } from '#schedules';
import type { SessionFigures } from './session.figures.js';

/** Tells, of a schedule's event, whether it is active from then on; undefined: as it was. */
function isActive({ type, data }: ScheduleFact): boolean | undefined {
  if (type === 'ScheduleDisabled' || type === 'ScheduleEnded' || type === 'ScheduleDeleted') return false;
  if (type === 'ScheduleCreated') return data.next_fire_at !== undefined;
  return 'next_fire_at' in data ? data.next_fire_at !== null : undefined;
}

/** Keeps which schedules are active. */
export function countedSchedule(figures: SessionFigures, fact: SchedulesFact): SessionFigures {
  if (fact.type === 'SchedulesSummed') {
    const active = fact.data.schedules.filter(({ next_fire_at }) => next_fire_at !== null);
    const missing = active.filter(({ id }) => !figures.active_schedules.includes(id));
    if (missing.length === 0 && active.length === figures.active_schedules.length) return figures;
    return { ...figures, active_schedules: active.map(({ id }) => id) };
  }
  const { schedule_id: id } = fact.data;
  const active = isActive(fact);
  const was = figures.active_schedules.includes(id);
  if (active === undefined || active === was) return figures;
  const others = figures.active_schedules.filter((one) => one !== id);
  return { ...figures, active_schedules: active ? [...others, id] : others };
}
