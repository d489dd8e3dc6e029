export default function DetailsPage({ topic }: { topic: { topic_id: string } }) { return <p>{topic.topic_id}</p> }
