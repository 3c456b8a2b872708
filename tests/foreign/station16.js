// A station of em-ocpp-chargepoint-simulator, which speaks OCPP 1.6J. What happens at it comes as lines on standard input
// (`card CARD1`, `break GroundFailure E42`); what it has done, and what it was asked to do, is told in lines that begin with @@.

const readline = require("readline");
const env = require("process").env;

const tell = (what, more) => console.log("@@ " + JSON.stringify({ what, ...more }));
const now = () => new Date().toISOString();

const cp = await connect(env.STATION_URL).catch((error) => {
  tell("refused", { error: String(error) });
  require("process").exit();
});
let number = null; // of the transaction that runs
let driver = null;
let meter = 120000;
let limit = null; // the charging profile that holds
let after = Promise.resolve(); // one thing happens after the other

function next(what, work) {
  after = after.then(work).then(
    (more) => tell(what, more),
    (error) => tell("failed", { of: what, error: String((error && error.stack) || error) })
  );
}

const aWhile = () => cp.sleep(1100); // nothing at a station is as quick as a script: two things seldom happen within a second

const status = (status, more) =>
  cp.sendStatusNotification({ connectorId: 1, errorCode: "NoError", status, timestamp: now(), ...more });

async function start(idTag, more) {
  const answer = await cp.startTransaction({ connectorId: 1, idTag, meterStart: meter, timestamp: now(), ...more });
  number = answer.transactionId;
  driver = idTag;
  await status("Charging");
  return answer;
}

async function stop(reason, idTag) {
  const transactionId = number;
  number = null;
  await cp.stopTransaction({ transactionId, meterStop: meter, timestamp: now(), reason, ...(idTag ? { idTag } : {}) });
}

const happens = {
  async boot() {
    const answer = await cp.sendBootnotification({ chargePointVendor: "Elsewhere", chargePointModel: "em 1", firmwareVersion: "0.0.4" });
    for (const connectorId of [0, 1]) await status("Available", { connectorId });
    return answer;
  },
  async plug() {
    await aWhile();
    return status("Preparing");
  },
  async card(idTag) {
    const { idTagInfo } = await cp.sendAuthorize({ idTag });
    if (idTagInfo.status === "Accepted" && number === null) await start(idTag);
    else if (idTagInfo.status === "Accepted") await stop("Local", idTag);
    return idTagInfo;
  },
  async charge(wh) {
    await aWhile();
    meter += Number(wh);
    // A number where the schema wants a string, as the simulator's own description has it.
    const sampledValue = [{ value: meter }, { value: "11000", measurand: "Power.Active.Import", unit: "W" }];
    await cp.meterValues({ connectorId: 1, transactionId: number, meterValue: [{ timestamp: now(), sampledValue }] });
    return { transaction: number };
  },
  async break(errorCode, vendorErrorCode) {
    await status("Faulted", { errorCode, vendorErrorCode });
    if (number !== null) await stop("Other");
  },
  unplug: async () => {
    if (number !== null) await stop("EVDisconnected");
    await status("Available");
  },
  repair: () => status("Available"),
  leave: async () => cp.close(),
};

// The simulator has no method for three of these; its table of answers takes them all the same.
const asked = {
  RemoteStartTransaction: [{ status: "Accepted" }, async ({ idTag }) => {
    await status("Preparing");
    return start(idTag);
  }],
  RemoteStopTransaction: [{ status: "Accepted" }, async () => {
    await stop("Remote");
    await status("Finishing");
  }],
  UnlockConnector: [{ status: "Unlocked" }],
  ReserveNow: [{ status: "Accepted" }, () => status("Reserved")],
  CancelReservation: [{ status: "Accepted" }, () => status("Available")],
  GetConfiguration: [({ key }) => ({ configurationKey: [], unknownKey: key })],
  SetChargingProfile: [({ csChargingProfiles }) => {
    limit = csChargingProfiles;
    return { status: "Accepted" };
  }],
  ClearChargingProfile: [({ id }) => {
    const known = limit !== null && limit.chargingProfileId === id;
    if (known) limit = null;
    return { status: known ? "Accepted" : "Unknown" };
  }],
  GetCompositeSchedule: [({ connectorId, duration }) => {
    const said = { status: "Accepted", connectorId, scheduleStart: now() };
    if (limit === null) return said;
    const { chargingRateUnit, chargingSchedulePeriod } = limit.chargingSchedule;
    return { ...said, chargingSchedule: { duration, chargingRateUnit, chargingSchedulePeriod } };
  }],
};
for (const [action, [answer, then]] of Object.entries(asked)) {
  cp.registeredCallbacks.set(action, {
    cb(request) {
      const answered = typeof answer === "function" ? answer(request.payload) : answer;
      cp.sendResponse(request.uniqueId, answered);
      next(action, async () => {
        if (then) await then(request.payload);
        return { asked: request.payload, answered };
      });
    },
  });
}

cp.onClose(() => tell("closed"));
tell("connected");
const lines = readline.createInterface({ input: require("process").stdin });
lines.on("line", (line) => {
  const [what, ...words] = line.split(" ");
  next(what, () => happens[what](...words));
});
lines.on("close", () => cp.close());
