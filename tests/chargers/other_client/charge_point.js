// A charge point of another maker: `node charge_point.js WS_ADDRESS IDENTITY PROTOCOL STORY`, the password in PASSWORD.
// It checks every frame of both sides against its own schemas. What it did is told on standard output, one JSON a line.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { RPCClient } from 'ocpp-rpc';

const [endpoint, identity, protocol, story] = process.argv.slice(2);
const READING_EVERY_MS = 150;
const STEP_WH = 40;
const CARD = 'CARD-OF-A-NEIGHBOUR';

const tell = (what) => console.log(JSON.stringify(what));
const now = () => new Date().toISOString();
let meterWh = 123_400;

const client = new RPCClient({
  endpoint,
  identity,
  password: process.env.PASSWORD,
  protocols: [protocol],
  strictMode: true,
  reconnect: false,
  callTimeoutMs: 30_000,
});
client.on('strictValidationFailure', ({ error, method }) => {
  tell({ invalid: `${method}: ${error.message} ${JSON.stringify(error.details)}` });
});

// What the portal asks, as promises: the story waits for it.
function onceAsked(action, answer) {
  return new Promise((resolve) => client.handle(action, ({ params }) => {
    tell({ asked: action, params });
    resolve(params);
    return answer;
  }));
}

// --- The two versions ------------------------------------------------------------------------------------

const v16 = {
  start: () => onceAsked('RemoteStartTransaction', { status: 'Accepted' }).then((asked) => asked.idTag),
  stop: () => onceAsked('RemoteStopTransaction', { status: 'Accepted' }).then((asked) => asked.transactionId),
  listen: () => client.handle('GetConfiguration', ({ params }) => ({
    configurationKey: params.key.map((key) => ({ key, readonly: false, value: '75' })),
  })),
  boot: () => client.call('BootNotification', { chargePointVendor: 'Other', chargePointModel: 'Box' }),
  status: (word) => client.call('StatusNotification', {
    connectorId: 1, errorCode: 'NoError', status: word, timestamp: now(),
  }),
  authorize: async (token) => (await client.call('Authorize', { idTag: token })).idTagInfo.status,
  begin: async (token) => {
    const answer = await client.call('StartTransaction', {
      connectorId: 1, idTag: token, meterStart: meterWh, timestamp: now(),
    });
    v16.transactionId = answer.transactionId;
    await v16.status('Charging');
    return { status: answer.idTagInfo.status, name: answer.transactionId };
  },
  read: () => client.call('MeterValues', {
    connectorId: 1,
    transactionId: v16.transactionId,
    meterValue: [{
      timestamp: now(),
      sampledValue: [
        { value: String(meterWh), measurand: 'Energy.Active.Import.Register', unit: 'Wh' },
        { value: '21500', measurand: 'Power.Active.Import', unit: 'W' },
      ],
    }],
  }),
  end: async (token, reason) => {
    await client.call('StopTransaction', {
      transactionId: v16.transactionId, idTag: token, meterStop: meterWh, timestamp: now(), reason,
    });
    await v16.status('Finishing');
  },
};

const v201 = {
  seqNo: 0,
  transactionId: randomUUID(),
  start: () => onceAsked('RequestStartTransaction', { status: 'Accepted' }).then((asked) => {
    v201.remoteStartId = asked.remoteStartId;
    return asked.idToken.idToken;
  }),
  stop: () => onceAsked('RequestStopTransaction', { status: 'Accepted' }).then((asked) => asked.transactionId),
  listen: () => client.handle('GetVariables', ({ params }) => ({
    getVariableResult: params.getVariableData.map(({ component, variable }) => ({
      attributeStatus: 'Accepted', attributeValue: '75', component, variable,
    })),
  })),
  boot: () => client.call('BootNotification', {
    reason: 'PowerUp', chargingStation: { vendorName: 'Other', model: 'Box' },
  }),
  status: (word) => client.call('StatusNotification', {
    timestamp: now(), evseId: 1, connectorId: 1, connectorStatus: word === 'Available' ? word : 'Occupied',
  }),
  authorize: async (token) => (await client.call('Authorize', { idToken: v201.token(token) })).idTokenInfo.status,
  token: (token) => ({ idToken: token, type: v201.remoteStartId === undefined ? 'ISO14443' : 'Central' }),
  event: (eventType, triggerReason, info = {}, more = {}) => client.call('TransactionEvent', {
    eventType,
    triggerReason,
    timestamp: now(),
    seqNo: v201.seqNo++,
    transactionInfo: { transactionId: v201.transactionId, ...info },
    evse: { id: 1, connectorId: 1 },
    meterValue: [{
      timestamp: now(),
      sampledValue: [{
        value: meterWh / 1000, measurand: 'Energy.Active.Import.Register', unitOfMeasure: { unit: 'kWh' },
      }],
    }],
    ...more,
  }),
  begin: async (token) => {
    const isRemote = v201.remoteStartId !== undefined;
    const info = { chargingState: 'Charging', ...(isRemote && { remoteStartId: v201.remoteStartId }) };
    const answer = await v201.event('Started', isRemote ? 'RemoteStart' : 'Authorized', info, {
      idToken: v201.token(token),
    });
    return { status: answer.idTokenInfo.status, name: v201.transactionId };
  },
  read: () => v201.event('Updated', 'MeterValuePeriodic', { chargingState: 'Charging' }),
  end: (token, reason) => v201.event(
    'Ended',
    reason === 'Remote' ? 'RemoteStop' : 'StopAuthorized',
    { chargingState: 'EVConnected', stoppedReason: reason },
    { idToken: v201.token(token) },
  ),
};

// --- The stories -----------------------------------------------------------------------------------------

const speak = { 'ocpp1.6': v16, 'ocpp2.0.1': v201 }[protocol];

async function charge(token, isOver) {
  const card = await speak.authorize(token);
  const begin = await speak.begin(token);
  tell({ began: begin.name, authorized: card, status: begin.status });
  const firstWh = meterWh;
  do {
    await pause(READING_EVERY_MS);
    meterWh += STEP_WH;
    await speak.read();
  } while (!await isOver());
  return () => meterWh - firstWh;
}

const stories = {
  // The portal starts and stops it.
  async remote() {
    let stopped = null;
    const stop = speak.stop().then((name) => { stopped = name; });
    const token = await speak.start();
    await speak.status('Preparing');
    const delivered = await charge(token, async () => stopped !== null);
    await stop;
    await speak.end(token, 'Remote');
    tell({ stopped, delivered_wh: delivered() });
  },
  // Somebody holds a card to the box, and again at the end.
  async card() {
    await speak.status('Preparing');
    let readings = 0;
    const delivered = await charge(CARD, async () => ++readings >= 4);
    await speak.end(CARD, 'Local');
    tell({ stopped: 'by card', delivered_wh: delivered() });
  },
};

speak.listen();
const told = stories[story];
await client.connect();
tell({ connected: client.protocol });
tell({ boot: (await speak.boot()).status });
const running = told();
await speak.status('Available');
await running;
await speak.status('Available');
await client.close();
