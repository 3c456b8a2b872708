// A station of ocpp-rpc, which speaks OCPP 2.0.1 and holds both sides to the schemas. What happens at it comes as lines on
// standard input (`card CARD1`, `break GroundFailure E42`); what it has done, and what it was asked to do, is told in lines that
// begin with @@.

const { randomUUID } = require("crypto");
const fs = require("fs");
const readline = require("readline");
const { RPCClient } = require("ocpp-rpc");

const env = process.env;
const tell = (what, more) => console.log("@@ " + JSON.stringify({ what, ...more }));
const now = () => new Date().toISOString();
const file = (name) => (env[name] ? fs.readFileSync(env[name]) : undefined);

const cp = new RPCClient({
  endpoint: env.STATION_ENDPOINT,
  identity: env.STATION_ID,
  password: env.STATION_PASSWORD || undefined,
  protocols: ["ocpp2.0.1"],
  strictMode: true,
  reconnect: false,
  wsOpts: { ca: file("STATION_CA"), cert: file("STATION_CERT"), key: file("STATION_KEY") },
});

const evse = { id: 1, connectorId: 1 };
let transaction = null; // { transactionId, seqNo, remoteStartId }
let meter = 52000;
let limit = null; // the charging profile that holds
let after = Promise.resolve(); // one thing happens after the other

function next(what, work) {
  after = after.then(work).then(
    (more) => tell(what, more),
    (error) => tell("failed", { of: what, error: String((error && error.stack) || error) })
  );
}

// Nothing at a station is as quick as a script: two things seldom happen within a second.
const aWhile = () => new Promise((done) => setTimeout(done, 1100));

const status = (connectorStatus) =>
  cp.call("StatusNotification", { timestamp: now(), connectorStatus, evseId: evse.id, connectorId: evse.connectorId });

function reading(context) {
  const register = { measurand: "Energy.Active.Import.Register", unitOfMeasure: { unit: "Wh" } };
  const power = { measurand: "Power.Active.Import", unitOfMeasure: { unit: "kW" }, value: 11 };
  return [{ timestamp: now(), sampledValue: [{ ...register, context, value: meter }, { ...power, context }] }];
}

function event(eventType, triggerReason, context, info, more) {
  const { transactionId, remoteStartId } = transaction;
  const remote = remoteStartId === undefined ? {} : { remoteStartId };
  const transactionInfo = { transactionId, chargingState: "Charging", ...remote, ...info };
  const seqNo = transaction.seqNo++;
  const said = { eventType, timestamp: now(), triggerReason, seqNo, transactionInfo, evse, meterValue: reading(context), ...more };
  return cp.call("TransactionEvent", said);
}

async function start(triggerReason, idToken, remoteStartId) {
  transaction = { transactionId: randomUUID(), seqNo: 0, remoteStartId };
  return event("Started", triggerReason, "Transaction.Begin", {}, { idToken });
}

async function stop(triggerReason, stoppedReason, more) {
  await event("Ended", triggerReason, "Transaction.End", { stoppedReason, chargingState: "Idle" }, more);
  transaction = null;
}

function problem(name, actualValue, techCode) {
  const component = { name, evse };
  const said = { eventId: 1, timestamp: now(), trigger: "Alerting", actualValue, eventNotificationType: "HardWiredNotification" };
  const eventData = [{ ...said, component, variable: { name: "Problem" }, ...(techCode ? { techCode } : {}) }];
  return cp.call("NotifyEvent", { generatedAt: now(), seqNo: 0, tbc: false, eventData });
}

const happens = {
  async boot() {
    const chargingStation = { model: "rpc 1", vendorName: "Elsewhere", firmwareVersion: "2.2.1" };
    const answer = await cp.call("BootNotification", { reason: "PowerUp", chargingStation });
    await status("Available");
    return typeof answer === "function" ? answer(params) : answer;
  },
  async plug() {
    await aWhile();
    return status("Occupied");
  },
  async card(idToken) {
    const token = { idToken, type: "ISO14443" };
    const { idTokenInfo } = await cp.call("Authorize", { idToken: token });
    if (idTokenInfo.status === "Accepted" && transaction === null) await start("Authorized", token);
    else if (idTokenInfo.status === "Accepted") await stop("StopAuthorized", "Local", { idToken: token });
    return idTokenInfo;
  },
  async charge(wh) {
    await aWhile();
    meter += Number(wh);
    await event("Updated", "MeterValuePeriodic", "Sample.Periodic");
    return { transaction: transaction.transactionId };
  },
  async break(code, techCode) {
    const component = { GroundFailure: "RCD" }[code];
    await problem(component, "true", techCode);
    await status("Faulted");
    if (transaction !== null) await stop("AbnormalCondition", "GroundFault");
  },
  async repair() {
    await problem("RCD", "false");
    await status("Available");
  },
  unplug: async () => {
    if (transaction !== null) await stop("EVDeparted", "EVDisconnected");
    await status("Available");
  },
  leave: () => cp.close(),
};

const asked = {
  RequestStartTransaction: [{ status: "Accepted" }, async ({ idToken, remoteStartId }) => {
    await status("Occupied");
    return start("RemoteStart", idToken, remoteStartId);
  }],
  RequestStopTransaction: [{ status: "Accepted" }, () => stop("RemoteStop", "Remote")],
  UnlockConnector: [{ status: "Unlocked" }],
  ReserveNow: [{ status: "Accepted" }, () => status("Reserved")],
  CancelReservation: [{ status: "Accepted" }, () => status("Available")],
  GetVariables: [({ getVariableData }) => ({
    getVariableResult: getVariableData.map((one) => ({ ...one, attributeStatus: "UnknownComponent" })),
  })],
  SetChargingProfile: [({ chargingProfile }) => {
    limit = chargingProfile;
    return { status: "Accepted" };
  }],
  ClearChargingProfile: [({ chargingProfileId }) => {
    const known = limit !== null && limit.id === chargingProfileId;
    if (known) limit = null;
    return { status: known ? "Accepted" : "Unknown" };
  }],
  GetCompositeSchedule: [({ evseId, duration }) => {
    if (limit === null) return { status: "Accepted" };
    const { chargingRateUnit, chargingSchedulePeriod } = limit.chargingSchedule[0];
    return { status: "Accepted", schedule: { evseId, duration, scheduleStart: now(), chargingRateUnit, chargingSchedulePeriod } };
  }],
};
for (const [action, [answer, then]] of Object.entries(asked)) {
  cp.handle(action, ({ params }) => {
    const answered = typeof answer === "function" ? answer(params) : answer;
    next(action, async () => {
      if (then) await then(params);
      return { asked: params, answered };
    });
    return answered;
  });
}

cp.on("strictValidationFailure", ({ error }) => tell("failed", { of: "validation", error: String(error) }));
cp.on("close", ({ code, reason }) => tell("closed", { code, reason: String(reason) }));

cp.connect().then(
  () => {
    tell("connected");
    const lines = readline.createInterface({ input: process.stdin });
    lines.on("line", (line) => {
      const [what, ...words] = line.split(" ");
      next(what, () => happens[what](...words));
    });
    lines.on("close", () => cp.close());
  },
  (error) => tell("refused", { error: `${error} ${error.code ?? ""}` })
);
