/** Errors in a search's assignment of parameters to trials, strategy or schedule, and in its control arm. */
import { type Parameter, type Problem, ProblemList, type SearchSpec, Tuned } from "@regulus/proto";
import { outsideOnlyReason, partNames } from "../settings/outside-only.js";
import { procedureSpecs, techniqueSpecs } from "./registry.generated.js";
import { armShares, insideParameters, learnableParameters, tunesTrialsInside, warmUpOf } from "./strategy-context.js";

/** Everything about a search whose space is joined. */
export function insideProblems(spec: SearchSpec, tunesByItself: boolean): readonly Problem[] {
  const problems = new ProblemList();
  checkMarks(problems, spec);
  if (spec.tuning !== undefined && tunesByItself) {
    problems.addText("tuning", spec.tuning.name, `the options under strategy: ${spec.strategy?.name} tunes inside by itself`);
  } else if (spec.tuning !== undefined && insideParameters(spec).length === 0) {
    problems.addText("tuning", "nothing to tune", "a technique with hyperparameters that training can move, such as dropout");
  }
  if (spec.schedule !== undefined && (tunesByItself || tunesTrialsInside(spec))) {
    problems.addText("schedule", "one, and self-tuning", "one of the two: a replayed schedule is for plain training");
  }
  if (tunesByItself || tunesTrialsInside(spec)) checkOutsideOnly(problems, spec);
  if (spec.control !== undefined) checkControl(problems, spec);
  return problems.all();
}

/** Parts of training whose idea does not allow that hyperparameters move inside it. */
function checkOutsideOnly(problems: ProblemList, { techniques, workload, space }: SearchSpec): void {
  const refuse = (field: string, name: unknown, reason: string | undefined) => {
    if (reason !== undefined) problems.addText(field, `${name}, and self-tuning`, `one of the two: ${reason}`);
  };
  for (const [index, { name }] of techniques.entries())
    refuse(`techniques[${index}].name`, name, techniqueSpecs.get(name)?.outsideOnly);
  for (const setting of partNames) {
    const name: unknown = workload?.options?.[setting];
    refuse(`workload.options.${setting}`, name, outsideOnlyReason(setting, name));
    const index = space.findIndex((parameter) => parameter.name === setting);
    const domain = space[index]?.domain;
    const choices = domain?.$case === "categorical" ? domain.value.choices : [];
    for (const [at, choice] of choices.entries())
      refuse(`space[${index}].choices[${at}]`, choice, outsideOnlyReason(setting, choice));
  }
}

function checkMarks(problems: ProblemList, spec: SearchSpec): void {
  const learnable = learnableParameters(spec);
  const inside = new Set(tunesTrialsInside(spec) ? insideParameters(spec) : []);
  for (const [index, { name, tuned, when }] of spec.space.entries()) {
    if (tuned === Tuned.TUNED_INSIDE && !learnable.has(name)) {
      problems.addText(
        `space[${index}].tuned`,
        "inside",
        "outside: no technique that is switched on can learn it while training",
      );
    }
    if (when === undefined) continue;
    const seen = `a condition on ${when.parameter}`;
    if (inside.has(name)) problems.addText(`space[${index}].when`, seen, `none, since ${name} is tuned inside training`);
    else if (inside.has(when.parameter))
      problems.addText(`space[${index}].when`, seen, "a parameter that is not tuned inside training");
  }
}

function checkControl(problems: ProblemList, spec: SearchSpec): void {
  const { budget } = spec;
  const share = `${spec.control?.share}`;
  if (budget === undefined || (budget.trials === 0 && budget.steps === 0)) {
    problems.addText("budget", "neither trials nor steps", "one of them, for the control arm to have its share of");
  } else if (armShares(spec) === undefined) {
    problems.addText("control.share", share, "a share of the budget that pays for at least one trial, and leaves one");
  }
}

/** The tuning procedure's options with its defaults; the warm-up of a short trial is short. Undefined where something is wrong. */
export function resolveTuning(problems: ProblemList, spec: SearchSpec): SearchSpec["tuning"] {
  const { tuning } = spec;
  if (tuning === undefined) return undefined;
  const procedure = procedureSpecs.get(tuning.name);
  if (procedure?.learnsInside !== true) {
    const known = [...procedureSpecs.values()].filter(({ learnsInside }) => learnsInside).map(({ name }) => name);
    problems.addText("tuning.name", tuning.name, `a procedure that learns hyperparameters inside training: ${known.join(", ")}`);
    return undefined;
  }
  const stepsPerTrial = spec.budget?.stepsPerTrial ?? 0;
  const parsed = procedure.options.safeParse({ ...warmUpOf(spec), ...tuning.options });
  const given: unknown = tuning.options?.warmUpSteps;
  if (stepsPerTrial > 0 && typeof given === "number" && given >= stepsPerTrial) {
    const expected = `less than budget.stepsPerTrial, which is ${stepsPerTrial}: nothing is tuned in the warm-up`;
    problems.add("tuning.options.warmUpSteps", given, expected);
  }
  if (parsed.success) return { name: tuning.name, options: JSON.parse(JSON.stringify(parsed.data)) };
  for (const { path, message } of parsed.error.issues)
    problems.addText(["tuning.options", ...path].join("."), "something else", message);
  return undefined;
}

/** The space without what a schedule moves, and what is wrong with the schedule's names. */
export function withoutScheduled(
  problems: ProblemList,
  { schedule, space: written }: SearchSpec,
  { space, known }: { readonly space: Parameter[]; readonly known: ReadonlySet<string> },
): Parameter[] {
  if (schedule === undefined) return space;
  const scheduled = new Set(Object.keys(schedule.values ?? {}));
  for (const name of scheduled) {
    if (known.has(name)) continue;
    const expected = `a hyperparameter that can move during a trial, of a technique that is switched on: ${[...known].join(", ") || "there is none"}`;
    problems.addText(`schedule.values.${name}`, "a name that nothing here understands", expected);
  }
  for (const [index, { name }] of written.entries()) {
    if (scheduled.has(name)) problems.addText(`space[${index}].name`, name, "it in one place: the schedule moves it already");
  }
  return space.filter(({ name }) => !scheduled.has(name));
}
