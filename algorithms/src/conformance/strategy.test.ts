/** Runs the strategy suite over everything registered. */
import assert from "node:assert/strict";
import { strategies } from "../strategies/index.js";
import { testStrategy } from "./strategy.js";

const random = strategies.get("random");
assert.ok(random !== undefined, "random search is registered");
for (const strategy of strategies.values()) testStrategy(strategy, random);
