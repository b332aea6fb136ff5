const { instanceId } = document.documentElement.dataset;
const element = (id) => document.getElementById(id);
const [status, subscribe, form, send, sent] = ['status', 'subscribe', 'form', 'send', 'sent'].map(element);

// The classic page API: the only part that a site with OneSignal has already.
window.OneSignal = window.OneSignal || [];
OneSignal.push([
  'init',
  {
    appId: instanceId,
    webhooks: {
      cors: false,
      'notification.displayed': `${location.origin}/hook`,
      'notification.clicked': `${location.origin}/hook`,
      'notification.dismissed': `${location.origin}/hook`,
    },
  },
]);
OneSignal.push(() => {
  if (!OneSignal.isPushNotificationsSupported()) {
    status.textContent = 'This browser has no web push.';
    return;
  }
  OneSignal.on('subscriptionChange', showState);
  return showState();
});

let subscribed = false;

async function showState() {
  subscribed = await OneSignal.isPushNotificationsEnabled();
  status.textContent = subscribed ? 'You are subscribed.' : 'You are not subscribed.';
  subscribe.textContent = subscribed ? 'Unsubscribe' : 'Subscribe';
  subscribe.disabled = false;
  send.disabled = !subscribed;
}

async function changeSubscription() {
  subscribe.disabled = true;
  try {
    if (!subscribed) await OneSignal.registerForPushNotifications();
    await OneSignal.setSubscription(!subscribed);
    await showState();
  } catch (error) {
    status.textContent = `That did not work: ${error.message}`;
    subscribe.disabled = false;
  }
}

async function sendToMyself() {
  try {
    const response = await fetch('/send', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        player: await OneSignal.getUserId(),
        heading: element('title').value,
        content: element('message').value,
      }),
    });
    const { id, errors } = await response.json();
    sent.textContent = id ? `Accepted as ${id}.` : `Not sent: ${errors?.join(', ')}`;
  } catch (error) {
    sent.textContent = `Not sent: ${error.message}`;
  }
}

subscribe.addEventListener('click', () => void changeSubscription());
form.addEventListener('submit', (event) => {
  event.preventDefault();
  void sendToMyself();
});

new EventSource('/events').addEventListener('message', ({ data }) => {
  element('none').hidden = true;
  element('webhooks').prepend(describe(JSON.parse(data)));
});

function describe({ from, name, signatureIsGood, body }) {
  const signature = signatureIsGood ? ' (signature good)' : ' (signature WRONG)';
  const details = make('details', '', make('summary', '', 'Body'), make('pre', '', JSON.stringify(body, null, 2)));
  const heading = [make('span', `from ${from}`, from), ' ', make('span', 'name', name)];
  return make('li', '', ...heading, from === 'server' ? signature : '', details);
}

function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}
