from django.db import migrations

REPLIES = (
    (
        "Looking at it",
        "Thank you for your report {code}. I have it in front of me, and I am looking at what the charger and the operator told us. You hear from me before the promised time.",
        "आपकी शिकायत {code} के लिए धन्यवाद। वह मेरे सामने है, और मैं देख रहा/रही हूँ कि चार्जर और ऑपरेटर ने क्या बताया। तय समय से पहले आपको जवाब मिलेगा।",
    ),
    (
        "Try the start again",
        "The operator says that the plug is free and works. Please pull it out, push it in until it clicks, and press Start again. If it does not begin within a minute, answer here and we go on.",
        "ऑपरेटर के अनुसार प्लग खाली है और काम कर रहा है। कृपया उसे निकालकर फिर क्लिक होने तक लगाएँ और दोबारा शुरू करें दबाएँ। एक मिनट में शुरू न हो तो यहीं जवाब दें, हम आगे देखेंगे।",
    ),
    (
        "Which plug is it?",
        "Could you tell us the letter on the plug and describe what you see on the display? Then we know exactly which one it is. Our clock stands until you answer.",
        "क्या आप प्लग पर लिखा अक्षर और डिस्प्ले पर जो दिख रहा है, बता सकते हैं? तब हमें ठीक-ठीक पता चलेगा कि वह कौन सा है। आपके जवाब तक हमारी घड़ी रुकी रहेगी।",
    ),
    (
        "The operator is asked",
        "We asked the operator about it and wait for its answer. The promised time stays as it is.",
        "हमने इस बारे में ऑपरेटर से पूछा है और उसके जवाब की प्रतीक्षा कर रहे हैं। तय समय वही रहेगा।",
    ),
    (
        "The bill is right",
        "We compared the bill with the meter and with the price you accepted, line by line, and they agree. If you see it differently, please tell us which line, and we look again.",
        "हमने बिल को मीटर और आपके स्वीकार किए मूल्य से पंक्ति-दर-पंक्ति मिलाया, और वे मेल खाते हैं। यदि आपको कुछ अलग लगे, तो कृपया पंक्ति बताइए, हम फिर देखेंगे।",
    ),
)


def write_replies(apps, schema_editor):
    replies = apps.get_model("support", "CannedReply").objects
    for name, text_en, text_hi in REPLIES:
        replies.get_or_create(name=name, defaults={"text_en": text_en, "text_hi": text_hi})


class Migration(migrations.Migration):
    dependencies = [("support", "0001_tickets")]
    operations = [migrations.RunPython(write_replies, migrations.RunPython.noop)]
