export default function ParametersPage({ topic }: { topic: { topic_id: string } }) { return <p>{topic.topic_id}</p> }
